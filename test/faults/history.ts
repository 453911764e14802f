/**
 * What clients saw, in one list. Every wish carries a mark of its own in its content (`mark`), so that it is found
 * again in the log and in every delivery without trusting anything that the product says about it.
 */
export type Entry =
  /** A wish leaves the client. Repeats with the same action ID belong to the same wish. */
  | { kind: 'invoked'; at: number; wish: string; user: string; room: string; actionId?: number }
  | { kind: 'ok'; at: number; wish: string; seq: number; event: string }
  /** A definite refusal. */
  | { kind: 'refused'; at: number; wish: string; code: string }
  /** The client gave up without an answer: appended once, or never. */
  | { kind: 'unknown'; at: number; wish: string }
  /** A stream begins: everything that one user is shown of one room, over any number of resumes. */
  | { kind: 'subscribed'; at: number; stream: string; user: string; room: string; seq: number }
  | { kind: 'delivered'; at: number; stream: string; seq: number; event: string; digest: string; wish?: string; after: number }
  /** The product ended the stream (removal, reset); it need not reach the end of the log. */
  | { kind: 'ended'; at: number; stream: string; seq: number }

export class History {
  readonly entries: Entry[] = []
  private readonly started = performance.now()

  /** Milliseconds of one monotonic clock for all clients of the process. */
  now(): number {
    return performance.now() - this.started
  }

  add(entry: Entry extends infer E ? (E extends Entry ? Omit<E, 'at'> : never) : never): void {
    this.entries.push({ ...entry, at: this.now() } as Entry)
  }
}

/** An event as the log has it, read by an administrator. */
export interface Logged {
  room: string
  seq: number
  event: string
  sender: string
  type: string
  /** Whom a membership event concerns. */
  user?: string
  wish?: string
  digest: string
  /** The content was erased: any form of it but the first is right. */
  tombstone?: boolean
}

/** What is compared of an event: its JSON text without what only the sending device sees. */
export function digestOf(event: { id: string; seq: number; type: string; content?: unknown }): string {
  return JSON.stringify([event.id, event.seq, event.type, event.content])
}
