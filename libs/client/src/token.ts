/** A token, or how to get a fresh one; without any the connection is anonymous. */
export type TokenSource = string | (() => string | Promise<string>)

export class Tokens {
  constructor(private readonly source: TokenSource | undefined) {}

  /** Whether a refused or expired token can be replaced. */
  get renewable(): boolean {
    return typeof this.source === 'function'
  }

  async get(): Promise<string | undefined> {
    return typeof this.source === 'function' ? await this.source() : this.source
  }
}

/** `exp` of a JWT in milliseconds since 1970, unverified; undefined for a token of another form. */
export function expiryOf(token: string): number | undefined {
  try {
    const claims = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')
    const { exp } = JSON.parse(atob(claims)) as { exp?: unknown }
    return typeof exp === 'number' ? exp * 1_000 : undefined
  } catch {
    return undefined
  }
}
