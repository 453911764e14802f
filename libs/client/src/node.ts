/** For Node: sockets of the `ws` package, which can send headers (a token in `Authorization`, an `Origin`). */
import { WebSocket } from 'ws'
import type { SocketFactory, SocketLike } from './environment.js'

export function wsFactory(options: { headers?: Record<string, string> } = {}): SocketFactory {
  return (url, protocols) =>
    new WebSocket(url, protocols, { headers: options.headers ?? {}, perMessageDeflate: false }) as unknown as SocketLike
}
