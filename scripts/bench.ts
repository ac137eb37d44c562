// npm run bench: what the server takes and costs, beside baselines in the same run.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCompare } from './bench/compare.ts'
import { runGrowth } from './bench/growth/run.ts'
import { HELP, readOptions, WrongUse, type Options } from './bench/options.ts'
import { W1 } from './bench/plan.ts'
import { openProgress } from './bench/progress.ts'
import { latencyChart } from './bench/report/chart.ts'
import { toReport, type Figures, type Report } from './bench/report/figures.ts'
import { historyTable, readHistory, remember } from './bench/report/history.ts'
import { markdown, writeScalingPage } from './bench/report/markdown.ts'
import { tables } from './bench/report/table.ts'
import { findTargets } from './bench/report/wanted.ts'
import { createRunner } from './bench/runner.ts'
import { runSoak, SOAK_PEOPLE } from './bench/soak.ts'
import { Cleanup } from './bench/stage/cleanup.ts'
import { REPO } from './bench/stage/processes.ts'
import { openStage } from './bench/stage/stage.ts'
import { openStores } from './bench/stage/stores.ts'
import { halfRate, runSteps, runSuite, type OnStage } from './bench/suite.ts'
import { loadDevelopmentSecrets } from './secrets.ts'

const EXIT = { measured: 0, failed: 1, wrongUse: 2, missed: 3 } as const

async function measure(options: Options): Promise<Figures> {
  const progress = openProgress()
  const root = join(REPO, '.data/bench')
  await mkdir(root, { recursive: true })
  const dataDir = await mkdtemp(join(root, 'run-'))
  const cleanup = new Cleanup()
  cleanup.add(() => rm(dataDir, { recursive: true, force: true }))
  try {
    progress.say('Starting the stores')
    const log = (line: string): void => progress.say(`  ${line}`)
    const { members, mongoCacheGb, nodes } = options
    const stores = await openStores({ dataDir, members, mongoCacheGb, log })
    cleanup.add(stores.stop)
    const secrets = await loadDevelopmentSecrets(dataDir)
    const needs = { stores, secrets, dataDir, progress }
    const suite = { options, runner: createRunner(options, progress), progress }
    const onStage: OnStage = async (people, use) => {
      const stage = await openStage({ ...needs, people, nodes })
      cleanup.add(stage.stop)
      try {
        return await use(stage)
      } finally {
        await stage.stop()
      }
    }
    if (options.mode === 'compare') return await runCompare(suite, needs, cleanup)
    if (options.mode === 'grow') return { growth: await runGrowth({ ...suite, stageNeeds: needs }) }
    if (options.mode === 'chart')
      return { steps: await onStage(W1.people, (stage) => runSteps(suite, stage)) }
    if (options.mode === 'soak')
      return await onStage(SOAK_PEOPLE, async (stage) => {
        const ratePerSecond = await halfRate(suite, stage, [])
        return { soak: await runSoak(stage, { minutes: options.soakMinutes, ratePerSecond }, progress) }
      })
    return await runSuite(suite, onStage)
  } finally {
    await cleanup.run()
  }
}

async function writeChart(options: Options, { commit, machine, figures }: Report): Promise<void> {
  if (options.chart === '' || figures.steps === undefined) return
  if (figures.steps.length < 2) {
    process.stderr.write('The first rate was too much already; there is no curve to draw.\n')
    return
  }
  await writeFile(options.chart, latencyChart(figures.steps, `50 pairs, ${commit}, ${machine}`))
  process.stderr.write(`The chart is in ${options.chart}\n`)
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options.mode === 'help') console.log(HELP)
  else if (options.mode === 'history') {
    const history = await readHistory()
    console.log(options.json ? JSON.stringify(history, null, 2) : historyTable(history))
  } else if (options.mode === 'markdown') {
    const history = await readHistory()
    if (options.write) await writeScalingPage(history)
    else console.log(markdown(history))
  } else {
    const report = toReport(options, await measure(options))
    await remember(report)
    await writeChart(options, report)
    const targets = findTargets(report.figures)
    console.log(options.json ? JSON.stringify({ ...report, targets }, null, 2) : tables(report))
    if (options.strict && targets.some(({ isMet }) => !isMet)) return EXIT.missed
  }
  return EXIT.measured
}

process.exitCode = await main().catch((err: unknown) => {
  if (err instanceof WrongUse) console.error(`${err.message}\n\nnpm run bench -- --help says what there is.`)
  else console.error(err instanceof Error ? err.message : err)
  return err instanceof WrongUse ? EXIT.wrongUse : EXIT.failed
})
