import type { IncomingMessage } from 'node:http'
import { bearerSubprotocol } from '@roomlog/protocol'

/** The token that came with a request: header, URL or subprotocol, whichever is there first. */
export function tokenOf(request: IncomingMessage, url = new URL(request.url ?? '/', 'http://edge')): string | undefined {
  const bearer = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (bearer !== undefined) return bearer.trim()
  const query = url.searchParams.get('access_token')
  if (query !== null) return query
  const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim())
  return offered?.find((name) => name.startsWith(bearerSubprotocol))?.slice(bearerSubprotocol.length)
}
