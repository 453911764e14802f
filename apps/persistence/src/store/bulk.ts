/**
 * Bulk statements: one parameter per column, an array each, so that a batch of any size is one statement with a fixed text
 * (prepared once, and no limit of 65,535 parameters).
 */
import type { QueryRunner } from 'typeorm'
import { arrayLiteral } from './array.js'

/** Column → [PostgreSQL type, value of a row]. */
export type Columns<Row> = Record<string, readonly [type: string, value: (row: Row) => unknown]>

export class Bulk<Row> {
  /** `unnest($1::text[], …) as u(column, …)` */
  readonly source: string
  readonly names: string
  private readonly values: ((row: Row) => unknown)[]

  constructor(columns: Columns<Row>) {
    const entries = Object.entries(columns)
    this.names = entries.map(([name]) => name).join(', ')
    this.source = `unnest(${entries.map(([, [type]], i) => `$${i + 1}::${type}[]`).join(', ')}) as u(${this.names})`
    this.values = entries.map(([, [, value]]) => value)
  }

  parameters(rows: readonly Row[]): unknown[] {
    return this.values.map((value) => arrayLiteral(rows.map(value)))
  }
}

/** A table's insert; `tail` is the `on conflict` clause. No rows, no statement. */
export class BulkInsert<Row> extends Bulk<Row> {
  private readonly sql: string

  constructor(table: string, columns: Columns<Row>, tail = '') {
    super(columns)
    this.sql = `insert into ${table} (${this.names}) select * from ${this.source} ${tail}`
  }

  async run(runner: QueryRunner, rows: readonly Row[]): Promise<void> {
    if (rows.length > 0) await runner.query(this.sql, this.parameters(rows))
  }
}
