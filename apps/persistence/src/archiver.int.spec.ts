/** Real PostgreSQL, the log in memory. */
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { openArchive, stopServer, type TestArchive } from './testing/archive.js'

const open: TestArchive[] = []
const archive = async (options?: Parameters<typeof openArchive>[0]) => {
  const opened = await openArchive(options)
  open.push(opened)
  return opened
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
afterAll(stopServer)

describe('the archiver', () => {
  it('stores every event with the bytes of its record', async () => {
    const { writer, database, caughtUp } = await archive()
    await writer.create('r', 'anna')
    const content = '{"z":1,"a":12345678901234567890,"e":1e400,"t":"\\u0041\\/\\u0000","n":{"__proto__":{}}, "2":[ 1 ]}'
    await writer.append({ room: 'r', type: 'msg.text', content })
    await caughtUp()
    const rows = await database.dataSource.query(`select seq, value from events where room = 'r' order by seq`)
    expect(rows.map((row: { seq: number }) => row.seq)).toEqual([1, 2, 3, 4, 5, 6])
    expect(rows[5].value).toContain(`"content":${content}}`)
    const [room] = await database.dataSource.query(`select * from rooms where room = 'r'`)
    expect(room).toMatchObject({ seq: 6, access: 'limited', history: 'shared', messages: 1, joined: 1, last_message: 6 })
  })
})
