import { type AppName, type Config, ConfigError, loadConfig } from './config.js'
import { createLogger, type Logger } from './logger.js'
import { secretsOf } from './serve.js'
import { Shutdown } from './shutdown.js'
import { startTracing } from './tracing.js'

export interface Running {
  config: Config
  logger: Logger
  /** What is added here is stopped at SIGTERM, the last added first. */
  shutdown: Shutdown
}

/**
 * One process from start to end: configuration, logs, traces, what `start` does, and an end in good order. A wrong configuration ends
 * it with 78 (`EX_CONFIG`) and all mistakes on stderr; a part that does not start ends it with 1, after what had started has stopped.
 */
export async function runProcess(service: AppName, start: (running: Running) => Promise<void>): Promise<void> {
  const config = configOrExit(service)
  const logger = createLogger({ service, level: config.logLevel, secrets: secretsOf(config) })
  const shutdown = new Shutdown({ logger, graceMs: config.limits.shutdownMs }).listen()
  for (const warning of config.warnings) logger.warn(warning)
  try {
    const tracing = await startTracing({ service: `roomlog-${service}`, endpoint: config.otlpEndpoint })
    shutdown.add('tracing', () => tracing.stop())
    await start({ config, logger, shutdown })
  } catch (error) {
    logger.error({ err: error }, 'could not start')
    await shutdown.run()
    process.exit(1)
  }
}

function configOrExit(app: AppName): Config {
  try {
    return loadConfig(process.env, { app })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(78)
  }
}
