import { type Logger, multistream, pino } from 'pino'

export type { Logger }

export interface LoggerOptions {
  service: string
  level?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Texts that must never appear, such as the secrets of the configuration. */
  secrets?: readonly (string | undefined)[]
  /** Where lines go; for tests. Default: errors to stderr, the rest to stdout. */
  write?: (line: string, to: 'stdout' | 'stderr') => void
}

/**
 * One JSON object a line: start-up and connections at `info`, events at `debug` (their IDs, never their content), errors on stderr.
 * Whatever is logged, a token or a secret of ours leaves as `[redacted]`: by the name of its member, and by its form wherever it stands.
 */
export function createLogger(options: LoggerOptions): Logger {
  const secrets = (options.secrets ?? []).filter((secret): secret is string => secret !== undefined && secret.length >= 8)
  return pino(
    {
      level: options.level ?? 'info',
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: shortError, error: shortError },
      redact: { paths: secretMembers.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
      hooks: { streamWrite: (line) => redact(line, secrets) },
    },
    multistream(
      [
        { level: 'trace', stream: sink('stdout', options.write) },
        { level: 'error', stream: sink('stderr', options.write) },
      ],
      { dedupe: true },
    ),
  )
}

/** Removes what has the form of a token, a bearer credential or a password in an address, and the given secrets. */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text
  for (const [form, replacement] of secretForms) clean = clean.replace(form, replacement)
  for (const secret of secrets) clean = clean.replaceAll(secret, '[redacted]')
  return clean
}

const secretMembers = ['token', 'access_token', 'accessToken', 'authorization', 'cookie', 'secret', 'password', 'ticket', 'content']

const secretForms: [RegExp, string][] = [
  [/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*)?/g, '[redacted]'],
  [/(access_token=)[^&\s"\\]+/g, '$1[redacted]'],
  [/(bearer[ .])[A-Za-z0-9._~+/=-]{8,}/gi, '$1[redacted]'],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^:@/\s"\\]*:)[^@/\s"\\]+@/gi, '$1[redacted]@'],
]

function sink(to: 'stdout' | 'stderr', write: LoggerOptions['write']) {
  return write ? { write: (line: string) => write(line, to) } : pino.destination({ fd: to === 'stdout' ? 1 : 2, sync: true })
}

/** Errors of clients can hold hundreds of lines of other errors: the first lines say it. */
function shortError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code, cause } = error as Error & { code?: unknown }
  return {
    type: error.name,
    message: error.message.slice(0, messageLengthMax),
    ...(code === undefined ? {} : { code }),
    stack: error.stack?.split('\n').slice(0, stackLinesMax).join('\n'),
    ...(cause instanceof Error ? { cause: `${cause.name}: ${cause.message}`.slice(0, messageLengthMax) } : {}),
  }
}

const messageLengthMax = 500
const stackLinesMax = 8
