/** The door of a deployment: what an app needs besides its configuration and its log. */
import type { Log } from '@roomlog/log'
import type { Config, Logger, Metrics } from '@roomlog/runtime'
import type { MarkedEvent, ResolveMarker } from './acks.js'
import type { ResolveAlias } from './aliases.js'
import { Authenticator } from './authenticator.js'
import { Door } from './door.js'
import { internalHeader, signInternal } from './internal.js'
import { Revocations, type RevocationsPage } from './revocations.js'

export interface DoorParts {
  config: Config
  log: Log
  logger: Logger
  metrics: Metrics
}

export function authenticatorOf(config: Config): Authenticator {
  return new Authenticator(config.auth)
}

/** Not started yet. */
export function doorOf({ config, log, logger, metrics }: DoorParts): Door {
  const outcomes = metrics.counter('roomlog_door_commands_total', 'commands by outcome', ['code'])
  const seconds = metrics.histogram('roomlog_door_reply_seconds', 'from a command to its outcome')
  const door = new Door({
    log,
    secret: config.secret,
    limits: config.limits,
    resolveAlias: resolveBy(config),
    resolveMarker: markerBy(config),
    revocations: new Revocations({
      fetch: revocationsBy(config),
      onFailure: (error) => logger.warn({ err: error }, 'signed-out devices cannot be asked for'),
    }),
    onFailure: (error) => logger.warn({ err: error }, 'the door had a failure'),
    onOutcome: (code, ms) => {
      outcomes.inc({ code })
      seconds.observe(ms / 1_000)
    },
  })
  metrics.gauge('roomlog_door_waiting', 'commands whose outcome is not known yet', [], (gauge) => gauge.set(door.waiting))
  return door
}

const lookupMsMax = 2_000

function resolveBy(config: Config): ResolveAlias {
  return async (alias) => {
    const answer = await ask<{ room?: unknown }>(config, `/v1/aliases/${encodeURIComponent(alias.slice(1))}`)
    return typeof answer?.room === 'string' ? answer.room : undefined
  }
}

function markerBy(config: Config): ResolveMarker {
  return ({ room, user, event, reads }) => {
    const query = new URLSearchParams({ user, ...(event === undefined ? {} : { event }), ...(reads ? { reads: '1' } : {}) })
    return ask<MarkedEvent>(config, `/internal/rooms/${encodeURIComponent(room)}/marker?${query}`)
  }
}

function revocationsBy(config: Config) {
  return async (after: number): Promise<RevocationsPage> => {
    const page = await ask<RevocationsPage>(config, `/internal/revocations?after=${after}`)
    if (!page) throw new Error('persistence does not know of signed-out devices')
    return page
  }
}

/** Asks persistence, as one service asks another; undefined = not there. */
async function ask<T>(config: Config, path: string): Promise<T | undefined> {
  const headers = { [internalHeader]: signInternal(config.secret, path, Date.now()) }
  const answer = await fetch(new URL(path, config.persistenceUrl), { headers, signal: AbortSignal.timeout(lookupMsMax) })
  if (answer.status === 404) return undefined
  if (!answer.ok) throw new Error(`persistence answered ${answer.status} for a look-up`)
  return (await answer.json()) as T
}
