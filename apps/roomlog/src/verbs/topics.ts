import { type Log, type TopicReport } from '@roomlog/log'
import { topics } from '@roomlog/protocol'
import { type Config, loadConfig } from '@roomlog/runtime'
import type { Command } from 'commander'
import { openDeploymentLog } from '../open-log.js'
import { flagsOf } from '../settings.js'
import { printLine } from '../terminal.js'
import { printPlans, type TrimOptions, trim } from './trim.js'

export function topicsVerb(root: Command): void {
  const verb = root.command('topics').description('creates and checks the topics of the log (opens ROOMLOG_LOG_URL)')
  verb
    .command('create')
    .description('creates what is missing; what exists is checked')
    .action((_options: unknown, command: Command) => withLog((log, config) => create(log, config, flagsOf(command).json === true)))
  verb
    .command('check')
    .description('says what is missing or could lose acknowledged events; changes nothing')
    .action((_options: unknown, command: Command) => withLog((log, config) => check(log, config, flagsOf(command).json === true)))
  verb
    .command('trim')
    .description('deletes old events that are stored in the database and covered by the authority’s checkpoint')
    .option('--older-than <time>', 'what is younger is kept: 30d, 90d (at least 1d)', '30d')
    .option('--dry-run', 'only says what would go, and what is kept why')
    .action((options: TrimOptions, command: Command) =>
      withLog(async (log, config) => {
        const print = printPlans(flagsOf(command).json === true, options.dryRun === true)
        if (await trim(log, config, options, print)) process.exitCode = 1
      }),
    )
}

async function withLog(use: (log: Log, config: Config) => Promise<void>): Promise<void> {
  const config = loadConfig()
  const log = await openDeploymentLog(config)
  try {
    await use(log, config)
  } finally {
    await log.close()
  }
}

async function create(log: Log, config: Config, json: boolean): Promise<void> {
  const { created, risks } = await log.prepare(topics, config.durability)
  if (json) return printLine({ created, risks })
  for (const topic of created) printLine(`created  ${topic}`)
  for (const risk of risks) printLine(`risk     ${risk}`)
  if (created.length === 0) printLine('all topics are there')
}

async function check(log: Log, config: Config, json: boolean): Promise<void> {
  const reports = await log.inspect(topics)
  for (const report of reports) printLine(json ? report : topicLine(report))
  const refused = reports.some(
    ({ exists, findings }) => !exists || findings.some(({ kind }) => kind === 'broken' || config.durability === 'strict'),
  )
  if (refused) process.exitCode = 1
}

/** With what is wrong below it, and what changes that. */
export function topicLine({ topic, exists, partitions, replicas, findings }: TopicReport): string {
  const head = `${topic.padEnd(24)} ${exists ? `${partitions} partitions, ${replicas} ${replicas === 1 ? 'copy' : 'copies'}` : 'missing'}`
  return [head, ...findings.flatMap(({ kind, what, fix }) => [`  ${kind}: ${what}`, `    ${fix}`])].join('\n')
}
