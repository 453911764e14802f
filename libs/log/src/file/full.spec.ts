/** A disk that is full, as a small file system in memory. Needs the right to mount one. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { RoomlogError } from '../failure.js'
import { openLog } from '../open.js'
import { specs } from '../stage.contract.js'
import { reserveBytes } from './room.js'

const directory = mkdtempSync(join(tmpdir(), 'roomlog-full-'))
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', directory]).status === 0
afterAll(() => {
  if (mounted) spawnSync('umount', [directory])
  rmdirSync(directory)
})

describe.skipIf(!mounted)('a file: log on a full disk', () => {
  it('says so, keeps what it acknowledged, gives no offset twice, and goes on when there is room', { timeout: 60_000 }, async () => {
    const ballast = join(directory, 'ballast')
    await writeFile(ballast, Buffer.alloc(48 * 1_048_576 - reserveBytes - 8_000_000))
    const failures: string[] = []
    const log = await openLog(`file:${directory}/log`, { partitions: 2, onFailure: (error) => failures.push(error.message) })
    onTestFinished(() => log.close())
    await log.prepare(specs, 'strict')
    const value = Buffer.alloc(50_000, 'x')

    let end = 0
    const seen: number[] = []
    const tail = log.tail('room.commands', 0, 0, (batch) => void seen.push(...batch.records.map((record) => record.offset)))
    onTestFinished(() => tail.stop())
    const acknowledged: number[] = []
    let refused: RoomlogError | undefined
    while (!refused && end < 200) {
      const command = log.produce('room.commands', 0, [{ key: 'r', value }]).then(
        ({ baseOffset }) => void acknowledged.push(baseOffset),
        () => {},
      )
      await log.append('room.events', 0, end, [{ key: 'r', value }]).then(
        () => end++,
        (error: RoomlogError) => {
          refused = error
        },
      )
      await command
    }
    expect(refused).toMatchObject({ code: 'unavailable', message: 'the log cannot be written: the disk is full' })
    expect(failures).toContain(refused!.message)
    expect((await log.range('room.events', 0)).end).toBe(end)

    await rm(ballast)
    let baseOffset: number | undefined
    while (baseOffset === undefined) {
      baseOffset = await log.produce('room.commands', 0, [{ key: 'r', value: 'after' }]).then(
        (produced) => produced.baseOffset,
        () => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 50)),
      )
    }
    expect(seen.slice(0, baseOffset)).toEqual(Array.from({ length: baseOffset }, (_, index) => index))
    expect(baseOffset).toBeGreaterThan(acknowledged.at(-1)!)
    expect(await log.append('room.events', 0, end, [{ key: 'r', value: 'after' }])).toEqual({ appended: true, baseOffset: end })
    const { records } = await log.read('room.commands', 0, baseOffset)
    expect(records[0]!.value!.toString()).toBe('after')
    await log.close()
    const again = await openLog(`file:${directory}/log`, { partitions: 2 })
    onTestFinished(() => again.close())
    expect((await again.range('room.events', 0)).end).toBe(end + 1)
    expect((await again.range('room.commands', 0)).end).toBe(baseOffset + 1)
  })
})
