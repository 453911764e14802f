import type { DataSource } from 'typeorm'

/** What a read asks: the pool, or the manager of one transaction, where several reads must be of one moment. */
export type Source = Pick<DataSource, 'query' | 'getRepository'>
