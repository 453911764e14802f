import type { Config } from './config.js'

/**
 * May a page of this origin talk to us? Byte by byte equal to a configured origin or to our own address; `null` never.
 * No header at all is no browser, and allowed. `ownUrls` are addresses of the listener itself (known once it listens).
 */
export function originAllowed(
  origin: string | undefined,
  config: Pick<Config, 'origins' | 'publicUrl'>,
  ownUrls: readonly string[] = [],
): boolean {
  if (origin === undefined) return true
  if (origin === 'null') return false
  return config.origins.includes(origin) || new URL(config.publicUrl).origin === origin || ownUrls.includes(origin)
}
