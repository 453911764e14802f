/** Plain HTTP against a deployment, as curl would do it. */
export interface Answer<T = any> {
  status: number
  body: T
  text: string
  headers: Headers
}

export async function http(baseUrl: string, token: string | null, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${baseUrl}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined
      ? {}
      : { body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body) }),
  })
  const text = await answer.text()
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {}
  return { status: answer.status, body: parsed, text, headers: answer.headers }
}

/** A caller bound to one user of one deployment. */
export class Caller {
  readonly baseUrl: string
  readonly token: string | null

  constructor(baseUrl: string, token: string | null) {
    this.baseUrl = baseUrl
    this.token = token
  }

  get = (path: string) => http(this.baseUrl, this.token, 'GET', path)
  post = (path: string, body: unknown = {}) => http(this.baseUrl, this.token, 'POST', path, body)
  put = (path: string, body: unknown = {}) => http(this.baseUrl, this.token, 'PUT', path, body)
  delete = (path: string) => http(this.baseUrl, this.token, 'DELETE', path)

  /** `post` that throws unless the answer is 2xx. */
  async done(path: string, body: unknown = {}): Promise<any> {
    const answer = await this.post(path, body)
    if (answer.status >= 300) throw new Error(`POST ${path} → ${answer.status} ${answer.text}`)
    return answer.body
  }

  publish(room: string, body: string, more: Record<string, unknown> = {}): Promise<any> {
    return this.done(`/v1/rooms/${encodeURIComponent(room)}/events`, { type: 'msg.text', content: { body }, ...more })
  }
}
