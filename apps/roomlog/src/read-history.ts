import { setTimeout as delay } from 'node:timers/promises'
import { type Client, ClientError, type Filter, type HistoryEvent, type HistoryPage, type HistoryQuery } from '@roomlog/client'

export interface HistoryOptions {
  /** A position or event ID to start behind; default: the beginning of the room. */
  after?: string
  before?: string
  /** The last so many. */
  last?: number
  filter?: Filter
  /** What the history must have reached. */
  atLeast?: string
}

/** A position before everything. */
const beginning = 'AAAAAAAA.0.0.0.AAAAAAAA'
const pageMax = 500

/** Events in order, page by page. With `before` or `last` they are collected backwards first, at most `last` of them. */
export async function* readHistory(client: Client, room: string, options: HistoryOptions): AsyncGenerator<HistoryEvent> {
  if (options.last !== undefined || options.before !== undefined) return yield* await newest(client, room, options)
  const { filter, atLeast } = options
  let after = options.after ?? beginning
  for (;;) {
    const page = await readPage(client, room, { after, limit: pageMax, ...(filter && { filter }), ...(atLeast && { atLeast }) })
    yield* page.events
    if (!page.more.stored || page.position === undefined || page.position === after) return
    after = page.position
  }
}

async function newest(client: Client, room: string, { before, last = 50, filter }: HistoryOptions): Promise<HistoryEvent[]> {
  let events: HistoryEvent[] = []
  let from = before
  while (events.length < last) {
    const limit = Math.min(pageMax, last - events.length)
    const page = await readPage(client, room, { limit, ...(from === undefined ? {} : { before: from }), ...(filter && { filter }) })
    events = [...page.events, ...events]
    if (!page.more.stored || page.earliest === undefined || page.earliest === from) break
    from = page.earliest
  }
  return events
}

const behindMsMax = 120_000
const retryMs = 250

/** The projection may be behind what the client knows; it is waited for. */
async function readPage(client: Client, room: string, query: HistoryQuery): Promise<HistoryPage> {
  for (const deadline = Date.now() + behindMsMax; ; await delay(retryMs)) {
    try {
      return await client.room(room).history(query)
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'unavailable') || Date.now() > deadline) throw error
    }
  }
}
