/**
 * The two ways to fetch. In a session, one at a time per client and broker: a poll names all wanted partitions anew each
 * time, the client sends only what changed. And outside of sessions, for reads that want an answer whatever it is.
 */
import { type Consumer, fetchV13, fetchV14, fetchV15, fetchV16, fetchV17 } from '@platformatic/kafka'
import { renew } from './client.js'
import type { FetchedPartition } from './decode.js'
import { kafkaCodes, responsesOf } from './failure.js'

export interface Wanted {
  topic: string
  topicId: string
  partition: number
  from: number
  bytesMax: number
}

/** What a fetch said of one wanted partition: data, a code of Kafka's, or nothing (there was nothing to say). */
export interface Answer {
  wanted: Wanted
  response?: FetchedPartition
  /** 0 = fine. */
  code: number
}

export const codes = { none: 0, outOfRange: 1 } as const

/** Broker-side bound of one answer. */
const fetchBytesMax = 8_388_608
/** READ_UNCOMMITTED: nothing in these topics is transactional, and the end is then the high watermark. */
const isolationLevel = 0
/** The session epoch of a fetch that wants none. */
const outsideSessions = -1

export type FetchClient = Consumer<Buffer, Buffer, Buffer, Buffer>

/**
 * One long poll, in the fetch session of the client: a partition without news is left out of the answer.
 * @throws what the client threw, where no broker's answer came with it.
 */
export async function poll(client: FetchClient, node: number, wanted: readonly Wanted[], maxWaitTime: number): Promise<Answer[]> {
  const topics = requestOf(wanted)
  return answersTo(client, wanted, () => client.fetch({ node, topics, minBytes: 1, maxBytes: fetchBytesMax, maxWaitTime, isolationLevel }))
}

/**
 * One fetch that waits for nothing and belongs to no session: each wanted partition is in the answer, so that an empty
 * one can be told from one that found no room. @throws as `poll`.
 */
export async function fetchNow(client: FetchClient, node: number, wanted: readonly Wanted[]): Promise<Answer[]> {
  const topics = requestOf(wanted)
  return answersTo(client, wanted, async () => {
    const connection = (await client.connectToBrokers([node])).get(node)
    if (!connection) throw new Error(`Kafka's node ${node} is not known`)
    const api = await fetchApi(client)
    return new Promise<fetchV17.FetchResponse>((resolve, reject) => {
      api(connection, 0, 0, fetchBytesMax, isolationLevel, 0, outsideSessions, topics, [], '', (error, response) =>
        error ? reject(error) : resolve(response!),
      )
    })
  })
}

async function answersTo(client: FetchClient, wanted: readonly Wanted[], fetch: () => Promise<fetchV17.FetchResponse>): Promise<Answer[]> {
  let response: fetchV17.FetchResponse
  try {
    response = await fetch()
  } catch (error) {
    void renew(client, [])
    const partial = responsesOf<fetchV17.FetchResponse>(error).find((candidate) => Array.isArray(candidate.responses))
    if (!partial || partial.responses.length === 0) throw error
    response = partial
  }
  const byPlace = new Map<string, FetchedPartition>()
  for (const topic of response.responses) {
    for (const partition of topic.partitions) byPlace.set(`${topic.topicId}/${partition.partitionIndex}`, partition)
  }
  return wanted.map((one) => {
    const partition = byPlace.get(`${one.topicId}/${one.partition}`)
    return { wanted: one, response: partition, code: partition?.errorCode ?? codes.none }
  })
}

type FetchApi = typeof fetchV17.api
const apis = new WeakMap<FetchClient, Promise<FetchApi>>()
/** By topic ID, which Kafka knows since 3.1. */
const versions: readonly [number, FetchApi][] = [
  [17, fetchV17.api],
  [16, fetchV16.api],
  [15, fetchV15.api],
  [14, fetchV14.api],
  [13, fetchV13.api],
]

function fetchApi(client: FetchClient): Promise<FetchApi> {
  let found = apis.get(client)
  if (!found) {
    found = client.listApis().then((listed) => {
      const range = listed.find(({ name }) => name === 'Fetch')
      const version = versions.find(([candidate]) => range && candidate >= range.minVersion && candidate <= range.maxVersion)
      if (!version) throw new Error('Kafka 3.1 or later is needed')
      return version[1]
    })
    found.catch(() => apis.delete(client))
    apis.set(client, found)
  }
  return found
}

/** The session that the client and the broker shared is gone: the next fetch simply begins a new one. */
export function isLostSession(error: unknown): boolean {
  const found = kafkaCodes(error)
  return found.has('INVALID_FETCH_SESSION_EPOCH') || found.has('FETCH_SESSION_ID_NOT_FOUND') || found.has('FETCH_SESSION_TOPIC_ID_ERROR')
}

function requestOf(wanted: readonly Wanted[]): fetchV17.FetchRequestTopic[] {
  const topics = new Map<string, fetchV17.FetchRequestTopic>()
  for (const { topicId, partition, from, bytesMax } of wanted) {
    let topic = topics.get(topicId)
    if (!topic) topics.set(topicId, (topic = { topicId, partitions: [] }))
    topic.partitions.push({
      partition,
      fetchOffset: BigInt(from),
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: bytesMax,
    })
  }
  return [...topics.values()]
}
