/**
 * Where to connect: the edge that already follows the client's rooms, as the deployment names it, or the base URL. An edge that
 * does not let us in is not insisted upon: after a failed attempt it is the base URL again.
 */
import type { Http } from './http.js'

/** Rooms that the client is going to use, or what names them when it connects. */
export type Placed = readonly string[] | (() => readonly string[])

export class Placement {
  constructor(
    private readonly baseUrl: string,
    private readonly placed: Placed | undefined,
    private readonly where: Http['where'],
  ) {}

  /** The WebSocket's URL. `attempt` counts the failures before. Never rejects. */
  async url(attempt: number): Promise<string> {
    return `${(await this.edge(attempt)).replace(/^http/, 'ws')}/v1/ws`
  }

  private async edge(attempt: number): Promise<string> {
    const rooms = typeof this.placed === 'function' ? this.placed() : (this.placed ?? [])
    if (attempt > 0 || rooms.length === 0) return this.baseUrl
    try {
      const { edges } = await this.where(rooms.slice(0, roomsMax))
      const url = edges[0]?.url
      return url !== undefined && /^https?:\/\//.test(url) ? url.replace(/\/+$/, '') : this.baseUrl
    } catch {
      return this.baseUrl
    }
  }
}

/** What one question may name. */
const roomsMax = 100
