import type { Command } from 'commander'
import { secondsOf } from '../duration.js'
import { clientConfig, flagsOf, secretOf, UsageError } from '../settings.js'
import { printLine } from '../terminal.js'
import { allScopes, type Scope, signToken } from '../token.js'

interface Options {
  device?: string
  name?: string
  expires: string
  service?: string
  scope: string[]
  grant: string[]
  team: string[]
}

export function tokenVerb(root: Command): void {
  const collect = (value: string, values: string[]) => [...values, value]
  root
    .command('token <user>')
    .description('signs a token with the deployment’s secret')
    .option('--device <id>', 'device ID')
    .option('--name <text>', 'display name')
    .option('--expires <time>', 'how long it is valid: 90s, 15m, 12h, 7d', '1h')
    .option('--service <name>', 'as this service')
    .option('--scope <scope>', `scope of a service: ${allScopes.join(', ')} (repeat for several)`, collect, [])
    .option('--grant <pattern=rights>', 'rights on rooms, such as `shop.*=read,write` (repeat for several)', collect, [])
    .option('--team <team>', 'team, or team/role (repeat for several)', collect, [])
    .action(async (user: string, options: Options, command: Command) => {
      const config = clientConfig()
      const seconds = secondsOf('--expires', options.expires)
      const token = await signToken(secretOf(config), {
        sub: user,
        seconds,
        ...(options.device && { did: options.device }),
        ...(options.name && { name: options.name }),
        ...(options.service && { service: options.service }),
        ...(options.scope.length > 0 && { scopes: options.scope.map(scopeOf) }),
        ...(options.grant.length > 0 && { rooms: Object.fromEntries(options.grant.map(grantOf)) }),
        ...(options.team.length > 0 && { teams: options.team }),
        ...(config.auth.issuer && { issuer: config.auth.issuer }),
        ...(config.auth.audience && { audience: config.auth.audience }),
      })
      printLine(flagsOf(command).json ? { token, user, expiresAt: Date.now() + seconds * 1_000 } : token)
    })
}

function scopeOf(text: string): Scope {
  if (allScopes.includes(text as Scope)) return text as Scope
  throw new UsageError(`--scope ${text}: must be one of ${allScopes.join(', ')}`)
}

const rightNames = ['read', 'write', 'logs', 'admin']

function grantOf(text: string): [string, string[]] {
  const at = text.lastIndexOf('=')
  const rights = text.slice(at + 1).split(',')
  if (at < 1 || !rights.every((right) => rightNames.includes(right))) {
    throw new UsageError(`--grant ${text}: must be <pattern>=<rights>, with rights of ${rightNames.join(', ')}`)
  }
  return [text.slice(0, at), rights]
}
