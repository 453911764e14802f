/**
 * What persistence states to the edge about one room and one user. Internal, over HTTP, signed with the
 * deployment's secret (header `roomlog-internal`).
 *
 * `GET /internal/rooms/:room/access?user=` → AccessStatement
 * `GET /internal/rooms/:room/events?after=<seq>&limit=<n>` → EventsPage
 * `GET /internal/rooms/:room/erased` → { erased: number[], through: number }
 */
export interface AccessStatement {
  room: string
  partition: number
  /** Next offset of the partition's event log that the statement does not cover. */
  through: number
  exists: boolean
  deleted: boolean
  /** `seq` of the room's last event at `through`. */
  seq: number
  /** Current access mode (`public`, `limited`, `knock`, `restricted`). */
  access: string
  /** Changes of `room.history`, ascending by seq. */
  history: [seq: number, value: string][]
  /** Changes of the user's membership, ascending by seq. */
  membership: [seq: number, value: string][]
}

export interface EventsPage {
  /** Ascending by seq, without gaps; deleted ones as tombstones. `bytes` is the record's value, as text. */
  events: {
    seq: number
    offset: number
    type: string
    key?: string
    follows?: string
    sender: string
    bytes: string
    device?: string
    action?: string
  }[]
  /** Next offset of the partition's event log that persistence has not stored yet. */
  through: number
}
