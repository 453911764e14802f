/**
 * The four services in one process. They are the same modules that run apart on Kafka, and talk to each other the same way:
 * writes through the log, reads over loopback HTTP. Only the edge listens where others reach it.
 */
import { AclModule } from '@roomlog/acl'
import { EdgeModule } from '@roomlog/edge'
import { IngestModule } from '@roomlog/ingest'
import { PersistenceModule } from '@roomlog/persistence'
import { type Config, createLogger, Health, type Served, secretsOf, serve } from '@roomlog/runtime'

export interface AllInOne {
  url: string
  adminUrl: string
  /** The edge first, the authority last: who asks ends before who answers. */
  close(): Promise<void>
}

const inside = { host: '127.0.0.1', port: 0 }

/** @throws what kept a part from starting; the parts before it are ended. */
export async function startAllInOne(config: Config): Promise<AllInOne> {
  const started: Served[] = []
  const close = async () => {
    for (const served of started.splice(0).reverse()) await served.close()
  }
  const start = async (service: string, module: Module, of: Config, listeners: object) => {
    const logger = createLogger({ service, level: config.logLevel, secrets: secretsOf(config) })
    const prepare = module.prepare?.(of)
    const served = await serve(module.register(of), { service, config: of, logger, health: new Health(), prepare, ...listeners })
    started.push(served)
    return served
  }
  try {
    const hidden = { http: inside, adminHttp: false as const }
    const persistence = await start('persistence', PersistenceModule, config, hidden)
    const withReads = { ...config, persistenceUrl: persistence.url }
    await start('acl', AclModule, withReads, hidden)
    const ingest = await start('ingest', IngestModule, withReads, hidden)
    const edge = await start('edge', EdgeModule, { ...withReads, ingestUrl: ingest.url }, {})
    for (const [name, served] of [
      ['persistence', started[0]!],
      ['acl', started[1]!],
      ['ingest', ingest],
    ] as const)
      include(edge.health, name, served)
    return { url: edge.url, adminUrl: edge.adminUrl, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Module {
  register(config: Config): Parameters<typeof serve>[0]
  /** Transports besides HTTP. */
  prepare?(config: Config): Parameters<typeof serve>[1]['prepare']
}

/** The process is ready when each of its services is. */
function include(health: Health, name: string, served: Served): void {
  health.ready(name, async () => {
    const { status, checks } = await served.health.readiness()
    return { ok: status === 'ready', ...checks }
  })
}
