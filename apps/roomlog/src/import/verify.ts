/** Reads imported rooms back in the two ways there are, and digests what was said. */
import type { Client } from '@roomlog/client'
import { readHistory } from '../read-history.js'
import { SaidDigest } from './report.js'
import { tailPosition } from './resume.js'

/** Through the projection, page by page. */
export async function digestHistory(client: Client, rooms: string[]): Promise<SaidDigest> {
  const said = new SaidDigest()
  for (const room of rooms) {
    const atLeast = await tailPosition(client, room)
    for await (const event of readHistory(client, room, { atLeast })) said.addEvent(event)
  }
  return said
}

/** Through the log, over a WebSocket, from the beginning to the tail. */
export async function digestLog(client: Client, rooms: string[]): Promise<SaidDigest> {
  const said = new SaidDigest()
  for (const room of rooms) {
    const stream = client.room(room).subscribe({ from: 1 }, { event: ({ event }) => said.addEvent(event), live: () => stream.close() })
    await stream.ready
    const { reason } = await stream.ended
    if (reason !== 'closed') throw new Error(`${room} could not be read: ${reason}`)
  }
  return said
}
