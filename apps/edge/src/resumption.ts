/**
 * What a session brings with a ticket. The inbox is read on first, from where the ticket left it to the high watermark: a device that
 * was signed out since is seen before any room is.
 */
import { isRevoked, revocationOf } from '@roomlog/domain'
import { decodeEvent } from '@roomlog/protocol'
import type { EdgeParts, Principal } from './edge.js'
import { RoomRecord } from './record.js'
import type { Proof, Ticket, TicketRefusal } from './ticket.js'

export interface Resumption {
  proofs: ReadonlyMap<string, Proof>
  /** The user's rooms, all of them, as the inbox told at `seq`. */
  rooms?: { ids: string[]; seq: number; offset: number }
}

/** `refused`: the ticket is of no use, and the session goes on without it. Throws what the log throws. */
export async function resume(
  text: unknown,
  principal: Principal,
  edge: EdgeParts,
): Promise<Resumption | { refused: TicketRefusal | 'wrong_epoch' } | 'revoked'> {
  const ticket = typeof text === 'string' ? edge.tickets.open(text, principal, edge.clock.now()) : ({ refused: 'invalid' } as const)
  if ('refused' in ticket) return ticket
  const read = await readInbox(ticket, principal, edge)
  if (read !== 'read') return read === 'revoked' ? read : { refused: read }
  const inbox = `@${ticket.user}`
  const ids = ticket.proofs.map(({ room }) => room).filter((room) => room !== inbox)
  return {
    proofs: new Map(ticket.proofs.map((proof) => [proof.room, proof])),
    ...(ticket.all ? { rooms: { ids, ...ticket.all } } : {}),
  }
}

async function readInbox(
  { user, inbox }: Ticket,
  principal: Principal,
  edge: EdgeParts,
): Promise<'read' | 'revoked' | 'wrong_epoch' | 'expired'> {
  const id = `@${user}`
  const feed = await edge.rooms.feedOfRoom(id)
  await feed.caughtUp()
  if (inbox.epoch !== feed.epoch || inbox.through > feed.next) return 'wrong_epoch'
  if (feed.next - inbox.through > edge.limits.replayRecords) return 'expired'
  const isOut = (record: RoomRecord | undefined) => {
    if (record?.type !== 'device.revoked' || record.key !== principal.device) return false
    return isRevoked(revocationOf(decodeEvent(record.value))?.at, principal.issuedAt)
  }
  for (let next = inbox.through; next < feed.ring.start; ) {
    const chunk = await edge.chunks.read(feed, next)
    if (chunk.records.some((record) => record.key === id && record.offset >= next && isOut(RoomRecord.of(record, feed)))) return 'revoked'
    if (chunk.next <= next) break
    next = chunk.next
  }
  return feed.ring.of(id, inbox.through).some(isOut) ? 'revoked' : 'read'
}
