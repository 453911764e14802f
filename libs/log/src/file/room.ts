/**
 * Is there room for the next commit? Asked before LMDB begins: a commit that fails for want of space comes back as
 * "Input/output error" and rejects promises of the library's own that nobody can catch.
 */
import { statfs } from 'node:fs/promises'

/** Kept free, for what other programs write meanwhile and for LMDB's own pages. */
export const reserveBytes = 33_554_432
/** What a commit may write beyond its records: the pages on the way to them. */
const commitBytes = 2_097_152
const amplification = 4
const askedMsMax = 1_000

export class Room {
  private left = 0
  private askedAt = 0

  constructor(private readonly directory: string) {}

  /** @throws Error where the disk has no room for a commit of so many bytes. */
  async take(bytes: number): Promise<void> {
    const wanted = bytes * amplification + commitBytes
    const now = performance.now()
    if (this.left < wanted || now - this.askedAt > askedMsMax) {
      const { bavail, bsize } = await statfs(this.directory)
      this.left = bavail * bsize - reserveBytes
      this.askedAt = now
    }
    if (this.left < wanted) throw new Error('the disk is full')
    this.left -= wanted
  }
}
