import './require-node.js'
import { ConfigError, createLogger, loadConfig, Shutdown, secretsOf } from '@roomlog/runtime'
import { Cluster } from './cluster/processes.js'
import { portsFrom, serviceNames } from './cluster/services.js'
import { lockDirectory } from './directory-lock.js'
import { explain } from './explain.js'
import { checkPort, freePort, isFree } from './ports.js'
import { readyLine, welcome } from './ready.js'

const usualKafkaPort = 9092

/** The same product as six processes on this machine, with a real Kafka and PostgreSQL, until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const config = loadConfig()
  const logger = createLogger({ service: 'cluster', level: config.logLevel, secrets: secretsOf(config) })
  const shutdown = new Shutdown({ logger, graceMs: 60_000 }).listen()
  const lock = await lockDirectory(config.dataDir)
  shutdown.add('directory', () => lock.release())
  const { host } = config.http
  const ports = portsFrom({ http: config.http.port, admin: config.adminHttp.port })
  for (const name of serviceNames) {
    await checkPort(`ROOMLOG_HTTP (${name} is a few ports above it)`, { host, port: ports[name].http })
    await checkPort(`ROOMLOG_ADMIN_HTTP (${name} is a few ports above it)`, { host, port: ports[name].admin })
  }
  const logUrl = config.logUrl.startsWith('kafka:') ? config.logUrl : undefined
  const kafkaPort = (await isFree({ host: '127.0.0.1', port: usualKafkaPort })) ? usualKafkaPort : await freePort()
  const cluster = new Cluster({ logUrl, kafkaPort, ports, host, logger })
  shutdown.add('processes', () => cluster.stop())
  await cluster.start().catch(async (error) => {
    await shutdown.run()
    throw error
  })
  const [url, second] = cluster.urls as [string, string]
  process.stdout.write(`${readyLine(url, { ...config, logUrl: cluster.logUrl })}; six processes, the second edge at ${second}\n`)
  if (config.development) process.stdout.write(`${await welcome(url, config)}\n`)
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof ConfigError ? error.message : `the cluster could not start: ${explain(error)}`}\n`)
  process.exit(1)
})
