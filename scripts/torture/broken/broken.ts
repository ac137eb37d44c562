// Makes a broken build: a copy of the sources with exact replacements, so that each of them is loud when it rots.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BROKEN_BUILDS } from './builds.ts'

export { BROKEN_BUILDS } from './builds.ts'

const root = join(import.meta.dirname, '../../..')
/** What the server is made of; modules are found further up, so the folder has to lie below the project. */
const PARTS = ['src', 'mongo-indexes', 'drizzle']

/** Copies the server into a folder below the project and breaks it; gives the path of its sources. */
export async function makeBrokenBuild(name: string, folder: string): Promise<string> {
  const build = BROKEN_BUILDS.find((one) => one.name === name)
  if (build === undefined) {
    throw new Error(
      `there is no broken build ${name}; there are ${BROKEN_BUILDS.map((one) => one.name).join(', ')}`,
    )
  }
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const part of PARTS) await cp(join(root, part), join(folder, part), { recursive: true })
  for (const { file, find, put } of build.replacements) {
    const path = join(folder, file)
    const text = await readFile(path, 'utf8')
    const count = text.split(find).length - 1
    if (count !== 1) {
      throw new Error(`${name}: ${file} has ${count} times instead of once what is to be replaced: ${find}`)
    }
    // As a function: a $ in the new text stands for itself.
    await writeFile(
      path,
      text.replace(find, () => put),
    )
  }
  return join(folder, 'src')
}
