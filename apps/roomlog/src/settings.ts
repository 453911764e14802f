/** What every verb needs to reach a deployment: its address and a token, from flags or the environment. */
import { type Bounds, type Client, connect } from '@roomlog/client'
import { type Config, loadConfig } from '@roomlog/runtime'
import type { Command } from 'commander'
import { note } from './terminal.js'
import { allScopes, signToken } from './token.js'

export interface Flags {
  url?: string
  token?: string
  json?: boolean
}

/** Wrong use, or something that must be set first; the message says what. */
export class UsageError extends Error {}

export const flagsOf = (command: Command): Flags => command.optsWithGlobals()

export function clientConfig(): Config {
  return loadConfig(process.env, { client: true })
}

const cliTokenSeconds = 300

/**
 * A client of the deployment; with the token of `--token` or ROOMLOG_TOKEN, or as the service `cli`. Whom it cannot reach
 * at first it does not wait for; later it comes back by itself.
 */
export function openClient(flags: Flags, bounds: Partial<Bounds> = {}): Client {
  const config = clientConfig()
  const given = flags.token ?? config.token
  const url = flags.url ?? config.url
  const client = connect({ url, token: given ?? (() => cliToken(config)), bounds })
  let reached = false
  client.on('error', (error) => note(`roomlog: ${error instanceof Error ? error.message : String(error)}`))
  client.on('state', ({ state, reason, retryInMs }) => {
    reached ||= state === 'connected'
    if (state !== 'waiting') return
    if (reached) note(`roomlog: ${reason}; again in ${retryInMs} ms`)
    else client.close(`cannot reach ${url}`)
  })
  return client
}

/** A fresh one for each connection, and before it ends. */
async function cliToken(config: Config): Promise<string> {
  return signToken(secretOf(config), {
    sub: 'cli',
    did: 'cli',
    service: 'cli',
    scopes: allScopes,
    seconds: cliTokenSeconds,
    ...(config.auth.issuer && { issuer: config.auth.issuer }),
    ...(config.auth.audience && { audience: config.auth.audience }),
  })
}

export function secretOf(config: Config): string {
  if (config.auth.secret) return config.auth.secret
  throw new UsageError(
    `no token: set ROOMLOG_TOKEN, or ROOMLOG_AUTH_SECRET, or ROOMLOG_DATA to the data directory of a deployment in development mode (not found in ${config.dataDir})`,
  )
}
