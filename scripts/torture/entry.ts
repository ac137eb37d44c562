import { join } from 'node:path'

/** The main file of the server under test: the project's own, or that of a build that is broken on purpose. */
export async function entryOf(build: string | null, folder: string): Promise<string> {
  if (build === null) return 'src/main.ts'
  const { makeBrokenBuild } = await import('./broken/broken.ts')
  return join(await makeBrokenBuild(build, join(folder, 'build')), 'main.ts')
}
