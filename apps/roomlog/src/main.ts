import './require-node.js'
import { ConfigError, createLogger, loadConfig, Shutdown, secretsOf, startTracing } from '@roomlog/runtime'
import { startAllInOne } from './all-in-one.js'
import { lockDirectory } from './directory-lock.js'
import { explain } from './explain.js'
import { checkPorts } from './ports.js'
import { readyLine, welcome } from './ready.js'

/** All of Roomlog in one process, until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const config = loadConfig()
  const logger = createLogger({ service: 'roomlog', level: config.logLevel, secrets: secretsOf(config) })
  const shutdown = new Shutdown({ logger, graceMs: 20_000 }).listen()
  for (const warning of config.warnings) logger.warn(warning)
  const lock = await lockDirectory(config.dataDir)
  shutdown.add('directory', () => lock.release())
  await checkPorts(config)
  const tracing = await startTracing({ service: 'roomlog', endpoint: config.otlpEndpoint })
  shutdown.add('tracing', () => tracing.stop())
  const roomlog = await startAllInOne(config)
  shutdown.add('services', () => roomlog.close())
  process.stdout.write(`${readyLine(roomlog.url, config)}\n`)
  if (config.development) process.stdout.write(`${await welcome(roomlog.url, config)}\n`)
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof ConfigError ? error.message : `roomlog could not start: ${explain(error)}`}\n`)
  process.exit(1)
})
