/**
 * Real Kafka brokers (KRaft) for tests and development: one, or three that replicate. They live under a shell that
 * waits for the end of its input, so they die with this process whatever ends it.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve as resolvePath } from 'node:path'
import { kafkaJars } from './kafka-jars.js'
import { answers, end, format, type KafkaNode, start } from './kafka-node.js'
import { type FaultProxy, startProxy } from './proxy.js'

export interface KafkaOptions {
  nodes?: 1 | 3
  /** Of the first broker; the others and the controllers take free ones. Default: a free one. */
  port?: number
  /** Kept after `stop` where given; a temporary one otherwise. */
  directory?: string
  /** Clients reach each broker through a fault proxy of its own (`proxies`). */
  proxied?: boolean
  /** Further lines of every `server.properties`. */
  properties?: Record<string, string | number>
  heapMiB?: number
}

export interface Kafka {
  /** `host:port[,host:port]`, for `kafka://`. */
  readonly brokers: string
  readonly url: string
  readonly proxies: readonly FaultProxy[]
  /** Ends everything; removes the directory unless it was given. */
  stop(): Promise<void>
  /** kill -9. */
  kill(node?: number): Promise<void>
  /** SIGSTOP and SIGCONT. */
  pause(node?: number): void
  resume(node?: number): void
  /** Starts a killed broker again on its ports and data; ends a running one in good order before. */
  restart(node?: number): Promise<void>
}

export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const jars = kafkaJars()
  const directory = options.directory ? resolvePath(options.directory) : await mkdtemp(join(tmpdir(), 'roomlog-kafka-'))
  const ports = await freePorts((options.nodes ?? 1) * 2)
  const proxies: FaultProxy[] = []
  const nodes: KafkaNode[] = []
  for (let index = 0; index < (options.nodes ?? 1); index++) {
    const port = index === 0 && options.port ? options.port : ports[index * 2]!
    if (options.proxied) proxies.push(await startProxy({ port }))
    const own = join(directory, String(index + 1))
    // The controller's port is part of the quorum that the data remember.
    const controllerPort = (await controllerPortOf(own)) ?? ports[index * 2 + 1]!
    nodes.push({ id: index + 1, port, controllerPort, advertisedPort: proxies[index]?.port ?? port, directory: own })
  }
  const stop = async () => {
    await Promise.all(nodes.map((node) => end(node, options.directory ? 'SIGTERM' : 'SIGKILL')))
    await Promise.all(proxies.map((proxy) => proxy.stop()))
    if (!options.directory) await rm(directory, { recursive: true, force: true })
  }
  try {
    await Promise.all(nodes.map((node) => format(node, nodes, options.properties ?? {}, jars, directory)))
    await Promise.all(nodes.map((node) => start(node, jars, options.heapMiB ?? 512)))
    await Promise.all(nodes.map((node) => answers(node, nodes.length)))
  } catch (error) {
    await stop()
    throw error
  }
  const brokers = nodes.map((node) => `127.0.0.1:${node.advertisedPort}`).join(',')
  const at = (node = 0) => nodes[node]!
  return {
    brokers,
    url: `kafka://${brokers}`,
    proxies,
    stop,
    kill: (node) => end(at(node), 'SIGKILL'),
    pause: (node) => void process.kill(at(node).pid!, 'SIGSTOP'),
    resume: (node) => void process.kill(at(node).pid!, 'SIGCONT'),
    restart: async (node) => {
      await end(at(node), 'SIGTERM')
      await start(at(node), jars, options.heapMiB ?? 512)
      await answers(at(node), nodes.length)
    },
  }
}

async function controllerPortOf(directory: string): Promise<number | undefined> {
  const properties = await readFile(join(directory, 'server.properties'), 'utf8').catch(() => '')
  const port = /CONTROLLER:\/\/127\.0\.0\.1:(\d+)/.exec(properties)
  return port ? Number(port[1]) : undefined
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
