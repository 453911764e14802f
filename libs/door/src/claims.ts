import { identifierFault } from '@roomlog/protocol/operations'
import { type Principal, type Right, rightNames, type Scope, scopes } from './principal.js'

/** Claims of a verified token, as a principal; a text says what is wrong with them. Unknown claims are nobody's business. */
export function principalOf(claims: Record<string, unknown>): Principal | string {
  const { sub, did = 'default', exp, iat, name, avatar, jti, roomlog = {} } = claims
  if (typeof sub !== 'string') return 'the token has no `sub`'
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return 'the token has no `exp`'
  if (typeof did !== 'string') return 'the claim `did` must be a text'
  const fault = identifierFault(sub) ?? identifierFault(did)
  if (fault) return `the claims \`sub\` and \`did\` are IDs, which ${fault}`
  if (!isText(name, nameLengthMax) || !isText(avatar, avatarLengthMax) || !isText(jti, 255))
    return 'the claims `name`, `avatar`, `jti` are texts'
  if (!isRecord(roomlog)) return 'the claim `roomlog` must be an object'
  const extra = grantsOf(roomlog)
  if (typeof extra === 'string') return extra
  const principal: Principal = { user: sub, device: did, expiresAt: exp * 1_000, ...extra }
  if (typeof iat === 'number' && Number.isFinite(iat)) principal.issuedAt = iat * 1_000
  if (name !== undefined) principal.name = name
  if (avatar !== undefined) principal.avatar = avatar
  if (jti !== undefined) principal.jti = jti
  return principal
}

const nameLengthMax = 1_024
const avatarLengthMax = 4_096
/** Patterns are matched one by one for every command. */
const patternsMax = 1_000

function grantsOf(claim: Record<string, unknown>): Pick<Principal, 'service' | 'scopes' | 'grants' | 'teams'> | string {
  const { service, scopes: scopeList = [], rooms = {}, teams = [] } = claim
  if (service !== undefined && (typeof service !== 'string' || identifierFault(service))) return 'the claim `roomlog.service` must be an ID'
  if (!isTexts(scopeList) || !isTexts(teams)) return 'the claims `roomlog.scopes` and `roomlog.teams` are arrays of texts'
  if (!isRecord(rooms)) return 'the claim `roomlog.rooms` must be an object'
  const entries = Object.entries(rooms)
  if (entries.length > patternsMax) return `the claim \`roomlog.rooms\` has more than ${patternsMax} patterns`
  const grants: [string, Right[]][] = []
  for (const [pattern, rights] of entries) {
    if (!isTexts(rights)) return 'the claim `roomlog.rooms` names rights in arrays'
    grants.push([pattern, rightNames.filter((right) => rights.includes(right))])
  }
  const known: Scope[] = scopes.filter((scope) => scopeList.includes(scope))
  return { ...(service === undefined ? {} : { service }), scopes: known, grants, teams }
}

function isText(value: unknown, lengthMax: number): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= lengthMax && value.isWellFormed())
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
