/**
 * What the SDK needs from its surroundings, so that it runs in a browser, on Node and under a test's clock.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  setTimeout(run: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

/** The part of the browser's WebSocket that the SDK uses. */
export interface SocketLike {
  readonly bufferedAmount: number
  send(text: string): void
  close(code?: number, reason?: string): void
  onopen: (() => void) | null
  onmessage: ((message: { data: unknown }) => void) | null
  onclose: ((close: { code: number; reason?: string }) => void) | null
  onerror: ((error: unknown) => void) | null
}

export type SocketFactory = (url: string, protocols: string[]) => SocketLike

export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>

export interface FetchInit {
  method: string
  headers: Record<string, string>
  body?: string
  signal?: AbortSignal
}

export interface FetchAnswer {
  ok: boolean
  status: number
  text(): Promise<string>
}

export interface Environment {
  clock: Clock
  /** 0 ≤ x < 1. */
  random(): number
  webSocket: SocketFactory
  fetch: Fetch
}

/** The surroundings as they are; WebSocket and fetch are looked up when they are first used. */
export const environment: Environment = {
  clock: {
    now: () => Date.now(),
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  },
  random: Math.random,
  webSocket: (url, protocols) => {
    const WebSocket = (globalThis as { WebSocket?: new (url: string, protocols: string[]) => unknown }).WebSocket
    if (!WebSocket) throw new Error('there is no global WebSocket: give `webSocket`, for example `wsFactory()` of @roomlog/client/node')
    return new WebSocket(url, protocols) as SocketLike
  },
  fetch: (url, init) => fetch(url, init),
}
