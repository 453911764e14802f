/** One Kafka broker as a process: its settings, its start, its end. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

export interface KafkaNode {
  id: number
  port: number
  controllerPort: number
  advertisedPort: number
  directory: string
  shell?: ChildProcess
  pid?: number
}

/** How long a broker may take until it answers. */
const startMsMax = 90_000
const endMsMax = 20_000

/** Writes the settings of a node and gives its empty directory a cluster's ID. */
export async function format(
  node: KafkaNode,
  nodes: readonly KafkaNode[],
  further: Record<string, string | number>,
  jars: string,
  directory: string,
): Promise<void> {
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
    ...further,
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

export async function start(node: KafkaNode, jars: string, heapMiB: number): Promise<void> {
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
export async function end(node: KafkaNode, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { shell, pid } = node
  if (!shell || !pid) return
  node.shell = undefined
  node.pid = undefined
  // Nothing else may keep this process alive, and it must not end before the broker has.
  shell.ref()
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
  const deadline = Date.now() + endMsMax
  while (signal === 'SIGTERM' && Date.now() < deadline && !(await ended(pid))) await delay(50)
  shell.stdin!.end()
  await gone
}

/** Gone, or a zombie that its shell has not looked at yet. */
async function ended(pid: number): Promise<boolean> {
  return readFile(`/proc/${pid}/stat`, 'utf8').then(
    (stat) => / Z /.test(stat),
    () => true,
  )
}

/** Waits until the broker's own metadata names as many live brokers as there should be. */
export async function answers(node: KafkaNode, brokers: number): Promise<void> {
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
