import { existsSync, readFileSync } from 'node:fs'
import { topics } from '@roomlog/protocol'
import { type Config, ConfigError, loadConfig } from '@roomlog/runtime'
import type { Command } from 'commander'
import { explain } from '../explain.js'
import { LogInUse, openDeploymentLog } from '../open-log.js'
import { nodeMajorMin } from '../require-node.js'
import { clientConfig, flagsOf } from '../settings.js'
import { printLine } from '../terminal.js'
import { topicLine } from './topics.js'

interface Finding {
  about: string
  /** `unknown`: could not be looked at, which is not wrong by itself. */
  state: 'ok' | 'wrong' | 'unknown'
  what: string
  detail?: unknown
}

export function doctorVerb(root: Command): void {
  root
    .command('doctor')
    .description('looks at versions, configuration, the log’s durability and who can be reached')
    .action(async (_options: unknown, command: Command) => {
      const flags = flagsOf(command)
      const findings: Finding[] = []
      for await (const finding of examine(flags.url)) {
        findings.push(finding)
        printLine(flags.json ? finding : `${finding.state.padEnd(8)} ${finding.about.padEnd(14)} ${finding.what}`)
      }
      if (findings.some(({ state }) => state === 'wrong')) process.exitCode = 1
    })
}

async function* examine(url: string | undefined): AsyncGenerator<Finding> {
  yield versions()
  let config: Config
  try {
    config = loadConfig(process.env, { client: true })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    yield { about: 'configuration', state: 'wrong', what: error.mistakes.join('; ') }
    return
  }
  yield configuration(config)
  for (const [about, address] of addresses(config, url)) yield await reach(about, address)
  yield* examineLog(config)
}

function versions(): Finding {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  const isNew = Number(process.versions.node.split('.')[0]) >= nodeMajorMin
  return {
    about: 'versions',
    state: isNew ? 'ok' : 'wrong',
    what: `roomlog ${version}, Node ${process.version} (at least ${nodeMajorMin}), ${process.platform} ${process.arch}`,
  }
}

function configuration(config: Config): Finding {
  const { development, durability, partitions, dataDir, databaseUrl, warnings } = config
  const what = [
    development ? 'development mode' : 'authentication configured',
    `durability ${durability}`,
    `${partitions} partitions`,
    `data in ${dataDir}`,
    databaseUrl ? 'PostgreSQL of DATABASE_URL' : 'embedded PostgreSQL',
    ...warnings,
  ].join(', ')
  return { about: 'configuration', state: warnings.length > 0 ? 'unknown' : 'ok', what }
}

/** The deployment; and, where the services run apart, each of them. */
function addresses(config: Config, url = clientConfig().url): [string, string][] {
  const apart: [string, string][] = [
    ['ingest', config.ingestUrl],
    ['persistence', config.persistenceUrl],
  ]
  return [['deployment', url], ...(config.logUrl.startsWith('kafka:') ? apart : [])]
}

async function reach(about: string, url: string): Promise<Finding> {
  try {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) })
    const report = (await answer.json()) as { status: string; checks: Record<string, { ok: boolean }> }
    const failing = Object.entries(report.checks).filter(([, { ok }]) => !ok)
    const what = answer.ok ? `ready at ${url}` : `not ready at ${url}: ${failing.map(([name]) => name).join(', ')}`
    return { about, state: answer.ok ? 'ok' : 'wrong', what, detail: report.checks }
  } catch (error) {
    return { about, state: 'unknown', what: `nobody answers at ${url}: ${explain(error)}` }
  }
}

async function* examineLog(config: Config): AsyncGenerator<Finding> {
  const where = config.logUrl.replace(/\/\/[^@/]*@/, '//')
  if (config.logUrl.startsWith('file:') && !existsSync(config.logUrl.slice('file:'.length))) {
    yield { about: 'log', state: 'unknown', what: `${where} is not there yet` }
    return
  }
  try {
    const log = await openDeploymentLog(config)
    try {
      const reports = await log.inspect(topics)
      const missing = reports.filter(({ exists }) => !exists)
      if (missing.length === reports.length) {
        yield { about: 'log', state: 'unknown', what: `${where} has no topics yet` }
        return
      }
      for (const report of reports) {
        const isWrong = !report.exists || report.findings.some(({ kind }) => kind === 'broken' || config.durability === 'strict')
        if (isWrong || report.findings.length > 0)
          yield { about: 'log', state: isWrong ? 'wrong' : 'unknown', what: topicLine(report), detail: report }
      }
      if (reports.every(({ exists, findings }) => exists && findings.length === 0)) {
        yield { about: 'log', state: 'ok', what: `${where}: what is acknowledged survives a power loss` }
      }
    } finally {
      await log.close()
    }
  } catch (error) {
    if (error instanceof LogInUse) yield { about: 'log', state: 'ok', what: `${error.message}; its /health says what may be lost` }
    else yield { about: 'log', state: 'wrong', what: `${where}: ${explain(error)}` }
  }
}
