#!/usr/bin/env node
/**
 * A real single-node Kafka for development: `npm run kafka [-- <port>]`, 9092 by default, data under ./data/kafka.
 * Runs until Ctrl-C.
 */
import { join } from 'node:path'
import { startKafka } from '../../libs/testing/dist/kafka.js'
import { missingJava } from '../../libs/testing/dist/kafka-jars.js'

const port = Number(process.argv[2] ?? 9092)
const directory = join(process.env.ROOMLOG_DATA ?? 'data', 'kafka')

if (!Number.isInteger(port) || port < 1 || port > 65_535) stop(`not a port: ${process.argv[2]}`)
if (missingJava()) stop('Kafka needs Java 17 or later (and Maven, the first time)')

process.stderr.write('starting Kafka (the first time its jars are fetched by Maven: about a minute)\n')
try {
  const kafka = await startKafka({ port, directory })
  process.stdout.write(`kafka ready ROOMLOG_LOG_URL=${kafka.url} data in ${directory}\n`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void kafka.stop().then(() => process.exit(0)))
  setInterval(() => {}, 60_000)
} catch (error) {
  stop(error.message)
}

function stop(reason) {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}
