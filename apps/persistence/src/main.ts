import { createLogger, loadConfig, Shutdown, secretsOf, serve, startTracing } from '@roomlog/runtime'
import { PersistenceModule } from './persistence.module.js'

/** The archive of the log in PostgreSQL and its reads, until SIGTERM or SIGINT. */
const config = loadConfig(process.env, { app: 'persistence' })
const logger = createLogger({ service: 'persistence', level: config.logLevel, secrets: secretsOf(config) })
const shutdown = new Shutdown({ logger, graceMs: config.limits.shutdownMs }).listen()
for (const warning of config.warnings) logger.warn(warning)
const tracing = await startTracing({ service: 'roomlog-persistence', endpoint: config.otlpEndpoint })
shutdown.add('tracing', () => tracing.stop())
const served = await serve(PersistenceModule.register(config), { service: 'persistence', config, logger })
shutdown.add('persistence', () => served.close())
console.log(`roomlog persistence ready ${served.url}`)
