/** The real server for tests. */
import { existsSync } from 'node:fs'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startPostgres } from './postgres.js'

test('databases are isolated from each other, and nothing is left', async () => {
  const server = await startPostgres()
  const urls = [await server.createDatabase(), await server.createDatabase()]
  const clients = urls.map((connectionString) => new pg.Client({ connectionString }))
  for (const client of clients) await client.connect()
  await clients[0]!.query('create table mine (n int)')
  await expect(clients[1]!.query('select * from mine')).rejects.toThrow(/does not exist/)
  for (const client of clients) await client.end()
  await server.stop()
  const directory = new URL(server.url).searchParams.get('host')
  if (!process.env['ROOMLOG_TEST_DATABASE']) expect(existsSync(directory!)).toBe(false)
})
