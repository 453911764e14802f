/**
 * The far end of the bare two-hop loop: fetches a topic and produces every record to a second one. A process of its
 * own, like the authority that it stands for. Arguments: brokers, source topic, target topic, partitions.
 */
import { bareClient } from './baseline-client.ts'

const [brokers, source, target, partitions] = process.argv.slice(2) as [string, string, string, string]
const client = await bareClient(brokers.split(','), Number(partitions))
await client.follow(source, (partition, values) => client.produce(target, partition, values))
process.send?.('ready')
process.on('disconnect', () => process.exit(0))
