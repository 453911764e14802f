/** What every end-to-end test starts from: the deployment's addresses, and people with fresh names. */
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { Caller } from '../harness/http.ts'
import { WireSocket } from '../harness/socket.ts'
import { type Claims, TokenSigner } from '../harness/token.ts'

export const deployment = inject('deployment')
export const tokens = new TokenSigner(deployment.secret)
/** With two edges, the second of them: what one edge accepts the other must deliver. */
export const [url, otherUrl] = [deployment.urls[0]!, deployment.urls.at(-1)!]

export const unique = (name: string) => `${name}-${randomBytes(5).toString('hex')}`

/** A user with a token, an HTTP caller on one edge and, by default, sockets on the other. */
export class Person {
  readonly sockets: WireSocket[] = []

  readonly id: string
  readonly token: string
  readonly http: Caller

  private constructor(id: string, token: string, http: Caller) {
    this.id = id
    this.token = token
    this.http = http
  }

  static async named(name: string, claims: Claims = {}): Promise<Person> {
    const id = unique(name)
    const token = await tokens.sign({ sub: id, did: 'd1', ...claims })
    return new Person(id, token, new Caller(url, token))
  }

  async socket(baseUrl = otherUrl, token = this.token): Promise<WireSocket> {
    const socket = await WireSocket.open(baseUrl, token)
    this.sockets.push(socket)
    return socket
  }

  /** A socket with one subscription; `frame` adds `position`, `from`, `last`, `filter`. */
  async subscribed(room: string, frame: Record<string, unknown> = {}): Promise<WireSocket> {
    const socket = await this.socket()
    await socket.ok({ op: 'subscribe', room, ...frame })
    return socket
  }

  async createRoom(input: Record<string, unknown> = {}): Promise<string> {
    const answer = await this.http.done('/v1/rooms', input)
    return answer.room as string
  }
}

export async function service(scopes: string[] = ['publish'], name = unique('svc')): Promise<Caller> {
  return new Caller(url, await tokens.service(name, scopes))
}

/** Polls until the check returns something truthy; the way to wait for a projection without a position at hand. */
export async function eventually<T>(check: () => Promise<T> | T, timeoutMs = 15_000): Promise<Exclude<T, false | null | undefined>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    let failure: unknown
    try {
      const value = await check()
      if (value) return value as Exclude<T, false | null | undefined>
    } catch (error) {
      failure = error
    }
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms`, { cause: failure })
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
