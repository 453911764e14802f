import { type DomainLimits, defaultLimits } from '@roomlog/domain'
import type { Config } from '@roomlog/runtime'
import type { Bounds } from './bounds.js'

/** What operators may set of the authority's bounds. */
export function boundsOf({ limits }: Pick<Config, 'limits'>): Partial<Bounds> {
  return { batchCommandsMax: limits.batchCommands, parkedMax: limits.parkedCommands }
}

/** What operators may set of the rules' bounds. */
export function domainLimitsOf({ limits }: Pick<Config, 'limits'>): DomainLimits {
  return { ...defaultLimits, contentBytesMax: limits.eventBytes, nameBytesMax: limits.identifierBytes, inviteesMax: limits.createInvitees }
}
