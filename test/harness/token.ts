import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'

export interface Claims {
  sub?: string
  did?: string
  name?: string
  avatar?: string
  /** Seconds from now; default an hour. */
  expiresIn?: number
  roomlog?: { service?: string; scopes?: string[]; rooms?: Record<string, string[]>; teams?: string[] }
}

/** Signs tokens for the deployment under test, as a product's own back end would. */
export class TokenSigner {
  readonly secret: string

  constructor(secret = randomBytes(32).toString('hex')) {
    this.secret = secret
  }

  sign(claims: Claims): Promise<string> {
    const { expiresIn = 3_600, ...payload } = claims
    return new SignJWT({ ...payload })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresIn)
      .sign(new TextEncoder().encode(this.secret))
  }

  user(id: string, device = 'default', more: Claims = {}): Promise<string> {
    return this.sign({ sub: id, did: device, ...more })
  }

  service(name: string, scopes: string[] = ['publish']): Promise<string> {
    return this.sign({ sub: name, roomlog: { service: name, scopes } })
  }
}
