import { createLogger, Health, loadConfig, metrics, Shutdown, secretsOf, serve, startTracing } from '@roomlog/runtime'
import { AclModule } from './acl.module.js'

const service = 'acl'
const config = loadConfig(process.env, { app: service })
const logger = createLogger({ service, level: config.logLevel, secrets: secretsOf(config) })
const shutdown = new Shutdown({ logger, graceMs: config.limits.shutdownMs }).listen()
for (const warning of config.warnings) logger.warn(warning)

const tracing = await startTracing({ service, endpoint: config.otlpEndpoint })
shutdown.add('tracing', () => tracing.stop())

const acl = await serve(AclModule.register(config), { service, config, logger, health: new Health(), metrics })
shutdown.add('acl', () => acl.close())
