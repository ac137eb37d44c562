// npm run torture: the delivery contract under faults.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { leaveRunFolder, makeRunFolder } from './torture/folder.ts'
import { runKills } from './torture/kills/run-kills.ts'
import { HELP, type Options, readOptions, UsageError } from './torture/options.ts'
import { asText, type Report } from './torture/report.ts'
import { torture } from './torture/run.ts'

const EXIT = { ok: 0, broken: 1, usage: 2, trouble: 3 }

const say = (line: string): void => void process.stderr.write(`  ${line}\n`)

async function main(options: Options): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Who asks twice does not want the verdict; stores and nodes end with this process.
      if (stop.signal.aborted) process.exit(EXIT.trouble)
      say('stopping; the verdict so far comes in a moment')
      stop.abort()
    })
  }
  const folder = await makeRunFolder()
  say(`seed ${options.seed}`)
  let report: Omit<Report, 'kept'>
  try {
    const run = options.kills > 0 ? runKills : torture
    report = await run(options, folder, stop.signal, say)
  } catch (err) {
    const kept = await leaveRunFolder(folder, 'evidence', options.seed)
    console.error(err)
    console.error(`The harness had trouble; what there is was kept in ${kept}`)
    return EXIT.trouble
  }
  await writeFile(join(folder, 'report.json'), JSON.stringify(report, null, 2))
  const isClean = report.ok && report.troubles.length === 0
  const keep = options.keep ? 'all' : isClean ? 'nothing' : 'evidence'
  const whole = { ...report, kept: await leaveRunFolder(folder, keep, options.seed) }
  console.log(options.json ? JSON.stringify(whole, null, 2) : `\n${asText(whole)}`)
  if (!report.ok) return EXIT.broken
  return report.troubles.length > 0 ? EXIT.trouble : EXIT.ok
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === null) console.log(HELP)
  else process.exit(await main(options))
} catch (err) {
  if (!(err instanceof UsageError)) throw err
  console.error(`${err.message}\n\nnpm run torture -- --help says how it is used.`)
  process.exit(EXIT.usage)
}
