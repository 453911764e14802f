import { type AppName, type Config, ConfigError, loadConfig } from './config.js'
import { createLogger, type Logger } from './logger.js'
import { secretsOf } from './serve.js'

/** The configuration of a process that starts; if it is not valid, all mistakes on stderr and the end, with 78 (`EX_CONFIG`). */
export function readConfig(app: AppName, env: NodeJS.ProcessEnv = process.env): Config {
  try {
    return loadConfig(env, { app })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(78)
  }
}

/** The logger of a process or of one of its apps, as configured. */
export function configuredLogger(service: string, config: Config): Logger {
  return createLogger({ service, level: config.logLevel, secrets: secretsOf(config) })
}

/** Says once, at start, what was strange about the environment and what development mode means. */
export function reportConfig(config: Config, logger: Logger): void {
  for (const warning of config.warnings) logger.warn({ warning }, 'configuration')
  if (config.development)
    logger.warn('development mode: no authentication is configured, so only this machine is served, with the secret in the data directory')
}
