import { fileURLToPath } from 'node:url'
import type { Logger } from '@roomlog/runtime'
import { Child, type ChildOptions, ready } from './child.js'
import { type ClusterPorts, servicesOf } from './services.js'

export interface ClusterOptions {
  /** `kafka://…`; undefined = start one. */
  logUrl: string | undefined
  /** Where a Kafka of our own listens. */
  kafkaPort: number
  ports: ClusterPorts
  host: string
  logger: Logger
}

const kafkaScript = fileURLToPath(new URL('../../../../infra/kafka/run.mjs', import.meta.url))

/** Six processes, and a Kafka if none is given. Can be stopped at any time, also while it starts. */
export class Cluster {
  logUrl = ''
  /** Of the edges. */
  urls: string[] = []
  readonly #children: Child[] = []

  constructor(private readonly options: ClusterOptions) {}

  /** Resolves when all are ready. @throws what kept one from starting; stopping the others is the caller's. */
  async start(): Promise<void> {
    const { logUrl, host, ports } = this.options
    this.logUrl = logUrl ?? (await this.#startKafka())
    for (const stage of servicesOf(host, ports, this.logUrl)) {
      const children = stage.map((service) => ({ service, child: this.#start(service) }))
      await Promise.all(children.map(({ service, child }) => ready(child, service.adminUrl)))
      for (const { child } of children) child.settle()
      this.urls = stage.map(({ url }) => url)
    }
  }

  /** The edges first, Kafka last. */
  async stop(): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) await child.stop()
  }

  #start({ name, script, env, ...more }: Pick<ChildOptions, 'name' | 'script' | 'env' | 'args' | 'onLine'>): Child {
    const onEnded = (how: string) => this.options.logger.error({ process: name, how }, 'a process ended and is started again')
    const child = new Child({ name, script, env: { ...process.env, ...env }, onEnded, ...more })
    this.#children.push(child)
    return child
  }

  async #startKafka(): Promise<string> {
    const url = Promise.withResolvers<string>()
    const onLine = (line: string) => {
      const found = /ROOMLOG_LOG_URL=(\S+)/.exec(line)
      if (found) url.resolve(found[1]!)
    }
    const child = this.#start({ name: 'kafka', script: kafkaScript, env: {}, args: [String(this.options.kafkaPort)], onLine })
    const logUrl = await Promise.race([url.promise, child.failed])
    child.settle()
    return logUrl
  }
}
