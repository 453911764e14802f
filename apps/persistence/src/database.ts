/**
 * The database: the one that `DATABASE_URL` names, or an embedded server under the data directory. Migrations run at start,
 * one process at a time.
 */
import { join } from 'node:path'
import pg from 'pg'
import { DataSource } from 'typeorm'
import { type EmbeddedServer, startEmbedded } from './embedded.js'
import { entities } from './store/entities.js'
import { RoomLog1700000000001 } from './store/migrations/0001-room-log.js'
import { Relations1700000000002 } from './store/migrations/0002-relations.js'
import { Devices1700000000003 } from './store/migrations/0003-devices.js'
import { Search1700000000004 } from './store/migrations/0004-search.js'
import { Past1700000000005 } from './store/migrations/0005-past.js'
import { SearchOrder1700000000006 } from './store/migrations/0006-search-order.js'

export interface DatabaseOptions {
  /** Empty = embedded under `dataDir`/pg. */
  databaseUrl: string
  dataDir: string
  /** Schema of the tables; made if missing. Default: the connection's own. */
  schema?: string
  /** Default 10. */
  connectionsMax?: number
  log?: { info(line: string): void; error(line: string): void }
}

export interface Database {
  dataSource: DataSource
  /** The connection string, for other readers of the same database (a rebuild). */
  url: string
  embedded: boolean
  /** Ends the connections, then the embedded server. */
  close(): Promise<void>
}

/** Anything fixed: whoever migrates a Roomlog database takes this lock. */
const migrationLock = 7_700_770

/** @throws where the server cannot be reached or started; nothing stays open. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const server = options.databaseUrl === '' ? await embedded(options) : undefined
  const url = server?.url ?? options.databaseUrl
  const dataSource = connect(url, options)
  const close = async () => {
    if (dataSource.isInitialized) await dataSource.destroy()
    await server?.stop()
  }
  try {
    await migrate(url, options.schema, dataSource)
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
  return { dataSource, url, embedded: server !== undefined, close }
}

/** A server that ends unasked (killed for its memory) is started again; the pool finds it at the same place. */
async function embedded({ dataDir, log }: DatabaseOptions): Promise<Pick<EmbeddedServer, 'url' | 'stop'>> {
  let stopped = false
  const start = async (): Promise<EmbeddedServer> => {
    const server = await startEmbedded({
      dir: join(dataDir, 'pg'),
      onLog: (line) => /(FATAL|PANIC):/.test(line) && !expected.test(line) && log?.error(`postgres: ${line}`),
    })
    server.onExit((reason) => {
      log?.error(`the embedded PostgreSQL ${reason}`)
      if (!stopped) current = start().catch((error) => restartFailed(error, server))
    })
    return server
  }
  const restartFailed = (error: Error, ended: EmbeddedServer) => {
    log?.error(`the embedded PostgreSQL could not be started again: ${error.message}`)
    return ended
  }
  let current = start()
  const { url } = await current
  return {
    url,
    async stop() {
      stopped = true
      await (await current).stop()
    },
  }
}

/** What every start and every end say: connections come before the server is ready, and are still closing when it is told to stop. */
const expected = /the database system is (starting up|shutting down)|terminating connection due to administrator command/

function connect(url: string, options: DatabaseOptions): DataSource {
  return new DataSource({
    type: 'postgres',
    entities,
    migrations: [
      RoomLog1700000000001,
      Relations1700000000002,
      Devices1700000000003,
      Search1700000000004,
      Past1700000000005,
      SearchOrder1700000000006,
    ],
    migrationsTableName: 'migrations',
    installExtensions: false,
    // An error's parameters are content.
    logging: false,
    poolErrorHandler: (error: Error) =>
      expected.test(error.message) || options.log?.error(`a database connection failed: ${error.message}`),
    extra: {
      connectionString: url,
      max: options.connectionsMax ?? 10,
      application_name: 'roomlog-persistence',
      types: { getTypeParser },
      // An acknowledgement may come to rest on these rows once the log is trimmed.
      options: `-c synchronous_commit=on${options.schema ? ` -c search_path=${options.schema}` : ''}`,
    },
  })
}

/** `bigint` as number: offsets, seqs and milliseconds stay below 2^53. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  return oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')
}

/** The lock is a session's own, so it is held on a connection of its own. */
async function migrate(url: string, schema: string | undefined, dataSource: DataSource): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [migrationLock])
    if (schema) await client.query(`create schema if not exists ${client.escapeIdentifier(schema)}`)
    await dataSource.initialize()
    await dataSource.runMigrations({ transaction: 'all' })
  } finally {
    await client.end()
  }
}
