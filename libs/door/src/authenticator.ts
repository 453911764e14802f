/**
 * One `authenticate` for all doors.
 *
 * Algorithms are pinned per key: the shared secret verifies HS256 and nothing else, the key set RS256, ES256 and EdDSA and never
 * an HMAC, so a public key cannot be mistaken for a secret. Headers that bring or point to a key (`jwk`, `jku`, `x5c`, `x5u`) and
 * any `crit` are refused before anything is verified. Sources: RFC 8725, RFC 7515 §4.1.
 */
import { hash } from 'node:crypto'
import { type WireError, wireError } from '@roomlog/protocol'
import { createRemoteJWKSet, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { principalOf } from './claims.js'
import type { Principal } from './principal.js'

export interface AuthenticatorOptions {
  /** Verifies HS256. */
  secret?: string
  /** Where the keys for RS256, ES256 and EdDSA are. */
  jwksUrl?: string
  issuer?: string
  audience?: string
  /** Milliseconds since 1970; for tests. */
  now?: () => number
}

export const tokenLengthMax = 8_192
const clockToleranceSeconds = 2
/** Verified tokens that are remembered, so that a request costs no signature check; each until it expires. */
const rememberedMax = 10_000

export class Authenticator {
  private readonly secret?: Uint8Array
  private readonly keys?: JWTVerifyGetKey
  private readonly remembered = new Map<string, Principal>()
  private readonly now: () => number

  constructor(private readonly options: AuthenticatorOptions) {
    if (options.secret !== undefined) this.secret = new TextEncoder().encode(options.secret)
    if (options.jwksUrl !== undefined) {
      this.keys = createRemoteJWKSet(new URL(options.jwksUrl), { timeoutDuration: 5_000, cooldownDuration: 5_000, cacheMaxAge: 600_000 })
    }
    this.now = options.now ?? Date.now
  }

  /** The principal of a token, or why there is none (`unauthenticated`; `unavailable` where the keys cannot be had). Never throws. */
  async authenticate(token: string): Promise<Principal | WireError> {
    if (token === '') return unauthenticated('a token is needed')
    if (token.length > tokenLengthMax) return unauthenticated(`a token is at most ${tokenLengthMax} characters`)
    const digest = hash('sha256', token, 'base64url')
    const known = this.remembered.get(digest)
    if (known) {
      if (known.expiresAt + clockToleranceSeconds * 1_000 > this.now()) return known
      this.remembered.delete(digest)
      return unauthenticated('the token has expired')
    }
    const claims = await this.verify(token)
    if ('code' in claims) return claims as WireError
    const principal = principalOf(claims)
    if (typeof principal === 'string') return unauthenticated(principal)
    this.remember(digest, principal)
    return principal
  }

  private async verify(token: string): Promise<JWTPayload | WireError> {
    try {
      const header = decodeProtectedHeader(token)
      for (const name of foreignKeyHeaders) if (name in header) return unauthenticated(`the token header \`${name}\` is not allowed`)
      const options = {
        issuer: this.options.issuer,
        audience: this.options.audience,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(this.now()),
      }
      if (header.alg === 'HS256' && this.secret) return (await jwtVerify(token, this.secret, { ...options, algorithms: ['HS256'] })).payload
      if (this.keys && keySetAlgorithms.includes(header.alg as string)) {
        return (await jwtVerify(token, this.keys, { ...options, algorithms: keySetAlgorithms })).payload
      }
      return unauthenticated('the token is signed with an algorithm that is not accepted here')
    } catch (error) {
      return refusalOf(error)
    }
  }

  private remember(digest: string, principal: Principal): void {
    if (this.remembered.size >= rememberedMax) this.remembered.delete(this.remembered.keys().next().value as string)
    this.remembered.set(digest, principal)
  }
}

export function isPrincipal(result: Principal | WireError): result is Principal {
  return 'grants' in result
}

const keySetAlgorithms = ['RS256', 'ES256', 'EdDSA', 'Ed25519']
const foreignKeyHeaders = ['jwk', 'jku', 'x5c', 'x5u', 'crit'] as const

function unauthenticated(message: string): WireError {
  return wireError('unauthenticated', message)
}

/** The message never quotes the token. */
function refusalOf(error: unknown): WireError {
  if (error instanceof errors.JWTExpired) return unauthenticated('the token has expired')
  if (error instanceof errors.JWTClaimValidationFailed) return unauthenticated(`the claim \`${error.claim}\` is not as it must be`)
  if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC') {
    return error instanceof TypeError && error.message.includes('Protected Header')
      ? unauthenticated('the token is not a JWT')
      : wireError('unavailable', 'the keys that verify tokens cannot be had now')
  }
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) {
    return unauthenticated('the signature of the token is not ours')
  }
  return unauthenticated('the token is not a JWT')
}
