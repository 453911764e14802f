import type { WireError } from '@roomlog/protocol'

/** What a server refused, or what broke on the way, with the codes of the protocol. */
export class ClientError extends Error {
  readonly code: WireError['code']
  /** Whether the same request may succeed later. */
  readonly retriable: boolean
  readonly field?: string
  readonly lastActionId?: number
  readonly retryAfterMs?: number
  /** HTTP status, where the answer came over HTTP. */
  readonly status?: number

  constructor(error: WireError, status?: number) {
    super(error.message)
    this.name = 'ClientError'
    this.code = error.code
    this.retriable = error.retriable
    if (error.field !== undefined) this.field = error.field
    if (error.lastActionId !== undefined) this.lastActionId = error.lastActionId
    if (error.retryAfterMs !== undefined) this.retryAfterMs = error.retryAfterMs
    if (status !== undefined) this.status = status
  }
}

const retriable = new Set<WireError['code']>(['unavailable', 'unknown', 'limited'])

/** A failure that the SDK itself found. */
export function clientError(code: WireError['code'], message: string): ClientError {
  return new ClientError({ code, message, retriable: retriable.has(code) })
}

/** Not retriable: this client does not come back. `unknown` where the request may have been sent. */
export function closedError(reason: string, code: 'unavailable' | 'unknown' = 'unavailable'): ClientError {
  return new ClientError({ code, message: `the client is closed: ${reason}`, retriable: false })
}
