import { createLogger, loadConfig, Shutdown, secretsOf, serve, startTracing } from '@roomlog/runtime'
import { IngestModule } from './ingest.module.js'

/** The front door for HTTP and for internal services on Kafka, until SIGTERM or SIGINT. */
const config = loadConfig(process.env, { app: 'ingest' })
const logger = createLogger({ service: 'ingest', level: config.logLevel, secrets: secretsOf(config) })
const shutdown = new Shutdown({ logger, graceMs: config.limits.shutdownMs }).listen()
for (const warning of config.warnings) logger.warn(warning)
const tracing = await startTracing({ service: 'roomlog-ingest', endpoint: config.otlpEndpoint })
shutdown.add('tracing', () => tracing.stop())
const served = await serve(IngestModule.register(config), { service: 'ingest', config, logger, prepare: IngestModule.prepare(config) })
shutdown.add('ingest', () => served.close())
console.log(`roomlog ingest ready ${served.url}`)
