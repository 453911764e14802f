/**
 * A fresh process that takes partition 0 over, or reads the same bytes with the bare client, and says how long it took.
 * Arguments: `owner` or `bare`, the log's URL, topic prefix, and for `bare` on Kafka how many records there are.
 */
import { performance } from 'node:perf_hooks'
import { Authority } from '@roomlog/acl/parts'
import { openLog } from '@roomlog/log'
import { eventsTopic, stateTopic } from '@roomlog/protocol'
import { open } from 'lmdb'
import { bareClient } from './baseline-client.ts'
import { siteOptions } from './takeover-content.ts'

const [mode, url, topicPrefix, records] = process.argv.slice(2) as [string, string, string, string]

const ms = mode === 'owner' ? await own() : url.startsWith('kafka:') ? await readKafka() : readFile()
const { user, system } = process.cpuUsage()
process.send!({ ms, cpuMs: (user + system) / 1_000, rssBytes: process.memoryUsage().rss }, () => process.exit(0))

async function own(): Promise<number> {
  const log = await openLog(url, { partitions: 1, topicPrefix })
  const began = performance.now()
  const authority = new Authority(siteOptions(log))
  await authority.ready
  return performance.now() - began
}

async function readKafka(): Promise<number> {
  // One client each: a client has one fetch under way.
  const clients = await Promise.all([0, 1].map(() => bareClient(url.slice('kafka://'.length).split(','), 1)))
  const began = performance.now()
  let left = Number(records)
  await new Promise<void>((resolve) => {
    const count = (_partition: number, values: Buffer[]) => {
      left -= values.length
      if (left <= 0) resolve()
    }
    const names = [stateTopic('room'), eventsTopic('room')]
    for (const [index, client] of clients.entries()) void client.follow(`${topicPrefix}${names[index]}`, count)
  })
  return performance.now() - began
}

function readFile(): number {
  const root = open({ path: `${url.slice('file:'.length)}/log.mdb`, maxDbs: 4, readOnly: true, encoding: 'binary', keyEncoding: 'binary' })
  const stored = root.openDB({ name: 'records', encoding: 'binary', keyEncoding: 'binary' })
  const began = performance.now()
  let bytes = 0
  for (const { value } of stored.getRange({})) bytes += (value as Buffer).length
  if (bytes === 0) throw new Error('nothing was read')
  return performance.now() - began
}
