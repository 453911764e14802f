import type { Identity } from '@roomlog/domain'

export type Scope = 'publish' | 'impersonate' | 'read' | 'admin'
export type Right = 'read' | 'write' | 'logs' | 'admin'

export const scopes: readonly Scope[] = ['publish', 'impersonate', 'read', 'admin']
export const rightNames: readonly Right[] = ['read', 'write', 'logs', 'admin']

/** Who a token says that its bearer is, and what it grants. Immutable. */
export interface Principal {
  user: string
  device: string
  name?: string
  avatar?: string
  /** Milliseconds since 1970; access ends here. */
  expiresAt: number
  /** Milliseconds since 1970, of `iat`; a device that is signed out takes back what was issued before. */
  issuedAt?: number
  /** For counting, never the token's text. */
  jti?: string
  /** Name of the internal service whose token this is. */
  service?: string
  scopes: readonly Scope[]
  /** Pattern (exact, or a prefix with `*` at its end) → rights. */
  grants: readonly (readonly [pattern: string, rights: readonly Right[]])[]
  teams: readonly string[]
  /** Without a token: may read what the world may. */
  anonymous?: true
}

/** One without a token. `user` is empty: no command of theirs is ever built. */
export function anonymousPrincipal(): Principal {
  return { user: '', device: '', expiresAt: Number.POSITIVE_INFINITY, scopes: [], grants: [], teams: [], anonymous: true }
}

/** An internal service on Kafka, where Kafka's rights are the authentication. */
export function servicePrincipal(service: string): Principal {
  return {
    user: service,
    device: 'kafka',
    expiresAt: Number.POSITIVE_INFINITY,
    service,
    scopes: ['publish', 'impersonate'],
    grants: [],
    teams: [],
  }
}

export function identityOf({ user, name, avatar }: Principal): Identity {
  const identity: Identity = { id: user }
  if (name !== undefined) identity.name = name
  if (avatar !== undefined) identity.avatar = avatar
  return identity
}
