/** What a process says when it can be used: one line that scripts wait for, and in development how to try it. */
import { relative } from 'node:path'
import type { Config } from '@roomlog/runtime'
import { signToken } from './token.js'

export function readyLine(url: string, config: Pick<Config, 'logUrl' | 'databaseUrl' | 'dataDir'>): string {
  const log = config.logUrl.startsWith('kafka:')
    ? config.logUrl.replace(/\/\/[^@/]*@/, '//')
    : 'embedded; `npm run cluster` runs it on Kafka'
  const inside = relative(process.cwd(), config.dataDir)
  const data = inside === '' || inside.startsWith('..') ? config.dataDir : `./${inside}`
  return `roomlog ready ${url} (${log}; data in ${data})`
}

const tokenSeconds = 24 * 3_600

/** Development mode: a token of the user `dev`, and two commands to paste. */
export async function welcome(url: string, config: Config): Promise<string> {
  const token = await signToken(config.auth.secret!, { sub: 'dev', did: 'dev', name: 'Dev', seconds: tokenSeconds })
  const settings = [
    ...(url === 'http://127.0.0.1:7700' ? [] : [`ROOMLOG_URL=${url}`]),
    ...(process.env.ROOMLOG_DATA === undefined ? [] : [`ROOMLOG_DATA=${config.dataDir}`]),
  ]
  const command = [...settings, 'npx roomlog'].join(' ')
  return [
    '',
    'Development mode: anybody on this machine with the secret in the data directory may sign tokens.',
    `A token of the user "dev", for a day:  ${token}`,
    'Try it, each in a terminal of its own:',
    `  ${command} send lobby 'hello, world'`,
    `  ${command} tail lobby --from 1`,
    '',
  ].join('\n')
}
