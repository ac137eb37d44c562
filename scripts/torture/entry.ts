import { join } from 'node:path'
import { makeBrokenBuild } from './broken/broken.ts'

/** The main file of the server under test: the project's own, or that of a build that is broken on purpose. */
export async function entryOf(build: string | null, folder: string): Promise<string> {
  return build === null ? 'src/main.ts' : join(await makeBrokenBuild(build, join(folder, 'build')), 'main.ts')
}
