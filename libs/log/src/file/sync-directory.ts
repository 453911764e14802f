import { closeSync, fsyncSync, openSync } from 'node:fs'

/** The file's own name is on disk only when its directory is. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}
