/**
 * The tables of the documents that the code knows better. Each stands between `<!-- name -->` and `<!-- /name -->`;
 * `node test/rules/documents.ts --write` writes them anew, and a test says when one is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { closeCodes, codes, comeBack, topics } from '@roomlog/protocol'
import { operations } from '@roomlog/protocol/operations'
import { type Variable, variables } from '@roomlog/runtime'
import { root } from './tree.ts'

export const tables: Record<string, { document: string; rows(): string[][] }> = {
  variables: { document: 'docs/configuration.md', rows: () => variableRows((name) => !name.startsWith('ROOMLOG_LIMIT_')) },
  limits: { document: 'docs/configuration.md', rows: () => variableRows((name) => name.startsWith('ROOMLOG_LIMIT_')) },
  codes: {
    document: 'docs/protocol.md',
    rows: () => [
      ['code', 'HTTP', 'again?', 'meaning'],
      ...Object.entries(codes).map(([code, { status, retriable, meaning }]) => [
        `\`${code}\``,
        String(status),
        retriable ? 'yes' : 'no',
        meaning,
      ]),
    ],
  },
  'close-codes': {
    document: 'docs/protocol.md',
    rows: () => [
      ['code', 'name', 'come back', 'meaning'],
      ...Object.entries(closeCodes).map(([code, { name, meaning }]) => [code, `\`${name}\``, when[comeBack(Number(code))], meaning]),
    ],
  },
  operations: {
    document: 'docs/protocol.md',
    rows: () => [
      ['operation', 'HTTP', 'WebSocket', 'effect'],
      ...operations.map(({ name, method, routes, op, does, summary }) => [
        `\`${name}\``,
        routes.map((route) => `\`${method} ${route}\``).join('<br>'),
        op === undefined ? '' : does?.length ? does.map((type) => `\`do\` \`${type}\``).join('<br>') : `\`${op}\``,
        summary,
      ]),
    ],
  },
  topics: {
    document: 'docs/operations.md',
    rows: () => [
      ['topic', 'partitions', 'kept', 'an acknowledgement rests on it'],
      ...topics.map(({ name, partitions, compacted, retentionMs, durable }) => [
        `\`${name}\``,
        String(partitions),
        compacted ? 'compacted' : duration(retentionMs),
        durable ? 'yes' : 'no',
      ]),
    ],
  },
}

const when = { at_once: 'at once', after_delay: 'after the delay', no: 'no' }

/** The document as it stands, and as it should stand. */
export function document(path: string): { found: string; wanted: string } {
  const found = readFileSync(`${root}${path}`, 'utf8')
  let wanted = found
  for (const [name, table] of Object.entries(tables)) {
    if (table.document !== path) continue
    const [before, rest] = split(wanted, `<!-- ${name} -->`, path)
    const [, after] = split(rest, `<!-- /${name} -->`, path)
    wanted = `${before}<!-- ${name} -->\n\n${markdown(table.rows())}\n<!-- /${name} -->${after}`
  }
  return { found, wanted }
}

export const documents = [...new Set(Object.values(tables).map((table) => table.document))]

function variableRows(wanted: (name: string) => boolean): string[][] {
  const entries = Object.entries(variables as Record<string, Variable>).filter(([name]) => wanted(name))
  return [
    ['variable', 'default', 'meaning'],
    ...entries.map(([name, variable]) => [
      `\`${name}\``,
      variable.default ?? 'none',
      `${variable.meaning}${variable.secret ? ' (secret)' : ''}`,
    ]),
  ]
}

function markdown([head, ...rows]: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return line(head!) + line(head!.map(() => '---')) + rows.map(line).join('')
}

function split(text: string, mark: string, path: string): [string, string] {
  const parts = text.split(mark)
  if (parts.length !== 2) throw new Error(`${path} must have ${mark} once`)
  return [parts[0]!, parts[1]!]
}

function duration(ms: number): string {
  if (ms < 0) return 'for ever'
  return ms % 86_400_000 === 0 ? `${ms / 86_400_000} days` : `${ms / 60_000} minutes`
}

if (import.meta.main && process.argv.includes('--write'))
  for (const path of documents) writeFileSync(`${root}${path}`, document(path).wanted)
