import { type Kafka, startKafka } from './kafka.js'
import { missingJava } from './kafka-jars.js'

/**
 * The broker that a test file shares: the one of `ROOMLOG_TEST_KAFKA=host:port` (with fresh topics, see `topicPrefix` of
 * `openLog`), or one of its own. Undefined, with one line that says so, where there is no Java; a failure if CI=true. The run that
 * starts all tests has said it already where it sets `ROOMLOG_TEST_KAFKA=off`.
 */
export async function kafkaForTests(): Promise<Pick<Kafka, 'brokers' | 'url' | 'stop'> | undefined> {
  const running = process.env['ROOMLOG_TEST_KAFKA']
  if (running === 'off') return undefined
  if (running) return { brokers: running, url: `kafka://${running}`, stop: async () => {} }
  const reason = missingJava()
  if (!reason) return startKafka()
  if (process.env['CI'] === 'true') throw new Error(reason)
  console.warn(reason)
  return undefined
}
