/**
 * Real Kafka brokers (KRaft) for tests and development: one, or three that replicate. They live under a shell that
 * waits for the end of its input, so they die with this process whatever ends it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { kafkaJars } from './kafka-jars.js'
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

interface Node {
  id: number
  port: number
  controllerPort: number
  advertisedPort: number
  directory: string
  shell?: ChildProcess
  pid?: number
}

const startMsMax = 90_000

export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const jars = kafkaJars()
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'roomlog-kafka-')))
  const ports = await freePorts((options.nodes ?? 1) * 2)
  const proxies: FaultProxy[] = []
  const nodes: Node[] = []
  for (let index = 0; index < (options.nodes ?? 1); index++) {
    const port = index === 0 && options.port ? options.port : ports[index * 2]!
    if (options.proxied) proxies.push(await startProxy({ port }))
    nodes.push({
      id: index + 1,
      port,
      controllerPort: ports[index * 2 + 1]!,
      advertisedPort: proxies[index]?.port ?? port,
      directory: join(directory, String(index + 1)),
    })
  }
  const stop = async () => {
    await Promise.all(nodes.map((node) => end(node, 'SIGKILL')))
    await Promise.all(proxies.map((proxy) => proxy.stop()))
    if (!options.directory) await rm(directory, { recursive: true, force: true })
  }
  try {
    await Promise.all(nodes.map((node) => format(node, nodes, options, jars, directory)))
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

async function format(node: Node, nodes: Node[], options: KafkaOptions, jars: string, directory: string): Promise<void> {
  await mkdir(node.directory, { recursive: true })
  const file = join(node.directory, 'server.properties')
  const voters = nodes.map((other) => `${other.id}@127.0.0.1:${other.controllerPort}`).join(',')
  const replicas = nodes.length
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    ...(nodes.length === 1
      ? { 'controller.quorum.bootstrap.servers': `127.0.0.1:${node.controllerPort}` }
      : { 'controller.quorum.voters': voters }),
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.advertisedPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(node.directory, 'data'),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': Math.min(2, replicas),
    'transaction.state.log.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    ...options.properties,
  }
  await writeFile(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const formatted = await readFile(join(node.directory, 'data', 'meta.properties'), 'utf8').catch(() => '')
  if (formatted) return
  const cluster = await readFile(join(directory, 'cluster'), 'utf8').catch(() => '')
  const id = cluster || clusterId(directory)
  await writeFile(join(directory, 'cluster'), id)
  const standalone = nodes.length === 1 ? ['--standalone'] : []
  await promisify(execFile)('java', [
    '-Xmx128m',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    `${jars}/*`,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    id,
    '-c',
    file,
    ...standalone,
  ])
}

const clusterIds = new Map<string, string>()

/** One ID for all nodes of a directory: 16 bytes, base64url, as Kafka's own. */
function clusterId(directory: string): string {
  let id = clusterIds.get(directory)
  while (!id || id.startsWith('-')) clusterIds.set(directory, (id = randomBytes(16).toString('base64url')))
  return id
}

async function start(node: Node, jars: string, heapMiB: number): Promise<void> {
  const output = openSync(join(node.directory, 'broker.log'), 'a')
  const java = `java -Xmx${heapMiB}m -Xms${Math.min(heapMiB, 256)}m -cp '${jars}/*' kafka.Kafka '${join(node.directory, 'server.properties')}'`
  const script = `${java} </dev/null >&3 2>&1 & broker=$!; echo $broker; read -r line; kill -CONT $broker 2>/dev/null; kill -9 $broker 2>/dev/null; wait $broker`
  const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore', output], cwd: node.directory, detached: true })
  shell.unref()
  node.shell = shell
  node.pid = await new Promise<number>((resolve, reject) => {
    shell.once('error', reject)
    shell.stdout!.once('data', (text: Buffer) => resolve(Number(text)))
  })
}

/** Ends the broker by its own ID, then the shell above it, and waits until both are gone. */
async function end(node: Node, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { shell, pid } = node
  if (!shell || !pid) return
  node.shell = undefined
  node.pid = undefined
  const gone = new Promise<void>((resolve) => (shell.exitCode === null ? shell.once('exit', () => resolve()) : resolve()))
  const alive = () => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }
  if (alive()) process.kill(pid, signal)
  for (
    let waited = 0;
    signal === 'SIGTERM' &&
    waited < 20_000 &&
    !(await readFile(`/proc/${pid}/stat`, 'utf8').then(
      (stat) => / Z /.test(stat),
      () => true,
    ));
    waited += 50
  )
    await delay(50)
  shell.stdin!.end()
  await gone
}

/** Waits until the broker's own metadata names as many live brokers as there should be. */
async function answers(node: Node, brokers: number): Promise<void> {
  const deadline = Date.now() + startMsMax
  while ((await liveBrokers(node.port)) < brokers) {
    if (Date.now() > deadline || node.shell?.exitCode !== null) {
      const log = await readFile(join(node.directory, 'broker.log'), 'utf8').catch(() => '')
      throw new Error(`Kafka's node ${node.id} does not answer on 127.0.0.1:${node.port}: ${log.trim().split('\n').slice(-5).join(' | ')}`)
    }
    await delay(100)
  }
}

/** Kafka's Metadata request, version 1, for no topic; 0 where nobody answers. */
function liveBrokers(port: number): Promise<number> {
  return new Promise((resolve) => {
    const request = Buffer.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0])
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    let answer = Buffer.alloc(0)
    const finish = (brokers: number) => {
      socket.destroy()
      resolve(brokers)
    }
    socket.setTimeout(1_000, () => finish(0))
    socket.on('error', () => finish(0))
    socket.on('close', () => finish(0))
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= 12) finish(answer.readInt32BE(8))
    })
  })
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
