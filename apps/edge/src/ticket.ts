/**
 * Resume tickets: what was proven of a user's access, signed by the deployment, so that a reconnect to any edge needs no statement of
 * persistence where the log still holds what came since.
 *
 * A ticket replaces no token and grants nothing by itself: it says what was true at an offset, and everything from there to the high
 * watermark is folded before anything is granted, so that a later kick takes effect. It is bound to user and device and short-lived.
 * Form: `t1.<base64url of deflated JSON>.<base64url of HMAC-SHA256>`; nothing is inflated before the signature is verified.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

type Changes = [seq: number, value: string][]

/** What was true of one room and user when everything below `through` was folded. */
export interface Proof {
  room: string
  /** Of the room's partition. */
  epoch: string
  through: number
  /** The room's last event below `through`. */
  tail: { offset: number; seq: number; check: string }
  access: string
  history: Changes
  membership: Changes
}

export interface Ticket {
  user: string
  device: string
  /** Milliseconds since 1970. */
  issuedAt: number
  /** Where the user's inbox was read to: read on from there before any room is looked at. */
  inbox: { epoch: string; through: number }
  /** At most 64. */
  proofs: Proof[]
  /** Present where the rooms of `proofs` are all of the user's: the fold of the inbox at this `seq`, whose event stands below `offset`. */
  all?: { seq: number; offset: number }
}

export type TicketRefusal = 'invalid' | 'expired' | 'forbidden'

export const ticketBounds = { rooms: 64, characters: 4_096, ageMs: 3_600_000, changes: 16 } as const

export class Tickets {
  private readonly key: Buffer

  constructor(secret: string) {
    this.key = createHmac('sha256', secret).update('roomlog ticket v1').digest()
  }

  /** Leaves out, from the end, the rooms that do not fit. */
  seal(ticket: Ticket): string {
    const fitting = ticket.proofs.filter(({ history, membership }) => history.length + membership.length <= ticketBounds.changes)
    for (let count = Math.min(fitting.length, ticketBounds.rooms); ; count = Math.floor(count * 0.8)) {
      const proofs = fitting.slice(0, count)
      const text = this.sign({ ...ticket, proofs, all: proofs.length === ticket.proofs.length ? ticket.all : undefined })
      if (text.length <= ticketBounds.characters || count === 0) return text
    }
  }

  /** Never throws, whatever the text is. */
  open(text: string, of: { user: string; device: string }, nowMs: number): Ticket | { refused: TicketRefusal } {
    const match = text.length > ticketBounds.characters ? null : /^t1\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/.exec(text)
    if (!match || !timingSafeEqual(Buffer.from(match[2]!, 'base64url'), this.mac(match[1]!))) return { refused: 'invalid' }
    const ticket = unpack(match[1]!)
    if (!ticket) return { refused: 'invalid' }
    if (ticket.user !== of.user || ticket.device !== of.device) return { refused: 'forbidden' }
    const age = nowMs - ticket.issuedAt
    return age > ticketBounds.ageMs || age < -clockSkewMs ? { refused: 'expired' } : ticket
  }

  private sign({ user, device, issuedAt, inbox, proofs, all }: Ticket): string {
    const rows = proofs.map(({ room, epoch, through, tail, access, history, membership }) => [
      [room, epoch, through, tail.offset, tail.seq, tail.check, access],
      history,
      membership,
    ])
    const value = [user, device, issuedAt, inbox.epoch, inbox.through, rows, all ? [all.seq, all.offset] : null]
    const body = deflateRawSync(JSON.stringify(value)).toString('base64url')
    return `t1.${body}.${this.mac(body).toString('base64url')}`
  }

  private mac(body: string): Buffer {
    return createHmac('sha256', this.key).update(body).digest()
  }
}

type Row = [[string, string, number, number, number, string, string], Changes, Changes]

/** Of a body whose signature is ours; undefined for one of another version. */
function unpack(body: string): Ticket | undefined {
  try {
    const json = inflateRawSync(Buffer.from(body, 'base64url'), { maxOutputLength: inflatedBytesMax }).toString()
    const [user, device, issuedAt, epoch, through, rows, all] = JSON.parse(json)
    const proofs = (rows as Row[]).map(([[room, roomEpoch, roomThrough, offset, seq, check, access], history, membership]) => ({
      room,
      epoch: roomEpoch,
      through: roomThrough,
      tail: { offset, seq, check },
      access,
      history,
      membership,
    }))
    return { user, device, issuedAt, inbox: { epoch, through }, proofs, ...(all ? { all: { seq: all[0], offset: all[1] } } : {}) }
  } catch {
    return undefined
  }
}

/** Edges' clocks differ by less. */
const clockSkewMs = 60_000
const inflatedBytesMax = 256 * 1024
