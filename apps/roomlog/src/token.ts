import { SignJWT } from 'jose'

export type Scope = 'publish' | 'impersonate' | 'read' | 'admin'

export interface TokenClaims {
  /** User ID. */
  sub: string
  /** Device ID. */
  did?: string
  name?: string
  service?: string
  scopes?: Scope[]
  /** Room patterns and the rights on them. */
  rooms?: Record<string, string[]>
  teams?: string[]
  issuer?: string
  audience?: string
  seconds: number
}

export const allScopes: Scope[] = ['publish', 'impersonate', 'read', 'admin']

/** An HS256 token in the form that every door accepts. */
export function signToken(secret: string, claims: TokenClaims): Promise<string> {
  const { sub, did, name, issuer, audience, seconds, ...grants } = claims
  const roomlog = Object.fromEntries(Object.entries(grants).filter(([, value]) => value !== undefined))
  const jwt = new SignJWT({ ...(did && { did }), ...(name && { name }), ...(Object.keys(roomlog).length > 0 && { roomlog }) })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
  if (issuer) jwt.setIssuer(issuer)
  if (audience) jwt.setAudience(audience)
  return jwt.sign(new TextEncoder().encode(secret))
}
