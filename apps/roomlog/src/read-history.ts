import type { Client, Filter, WireEvent } from '@roomlog/client'

export interface HistoryOptions {
  /** A position or event ID to start behind; default: the beginning of the room. */
  after?: string
  before?: string
  /** The last so many. */
  last?: number
  filter?: Filter
}

/** A position before everything. */
const beginning = 'AAAAAAAA.0.0.0.AAAAAAAA'
const pageMax = 500

/** Events in order, page by page. With `before` or `last` they are collected backwards first, at most `last` of them. */
export async function* readHistory(client: Client, room: string, options: HistoryOptions): AsyncGenerator<WireEvent> {
  if (options.last !== undefined || options.before !== undefined) return yield* await newest(client, room, options)
  let after = options.after ?? beginning
  for (;;) {
    const page = await client.room(room).history({ after, limit: pageMax, ...(options.filter && { filter: options.filter }) })
    yield* page.events
    if (!page.more.stored || page.position === undefined || page.position === after) return
    after = page.position
  }
}

async function newest(client: Client, room: string, { before, last = 50, filter }: HistoryOptions): Promise<WireEvent[]> {
  let events: WireEvent[] = []
  let from = before
  while (events.length < last) {
    const limit = Math.min(pageMax, last - events.length)
    const page = await client.room(room).history({ limit, ...(from === undefined ? {} : { before: from }), ...(filter && { filter }) })
    events = [...page.events, ...events]
    if (!page.more.stored || page.earliest === undefined || page.earliest === from) break
    from = page.earliest
  }
  return events
}
