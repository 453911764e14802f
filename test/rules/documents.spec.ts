import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { document, documents, tables } from './documents.ts'
import { filesUnder, read, root } from './tree.ts'

test.each(documents)('%s says what the code says (or run: node test/rules/documents.ts --write)', (path) => {
  const { found, wanted } = document(path)
  expect(found).toBe(wanted)
})

test('the tables are not empty', () => {
  for (const [name, table] of Object.entries(tables)) expect(table.rows().length, name).toBeGreaterThan(5)
})

describe('links', () => {
  const pages = ['README.md', 'CHANGELOG.md', ...filesUnder(join(root, 'docs')).map((path) => path.slice(root.length))].filter((path) =>
    path.endsWith('.md'),
  )

  test.each(pages)('of %s lead somewhere', (page) => {
    const targets = [...read(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map((match) => match[1]!)
      .filter((target) => !/^[a-z]+:/.test(target))
    expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
  })
})

describe('decisions', () => {
  const decisions = filesUnder(join(root, 'docs', 'decisions')).map((path) => path.slice(root.length))

  test.each(decisions)('%s has status, context, decision, consequences, and fits one page', (path) => {
    const text = read(path)
    expect(path).toMatch(/\/\d{4}-[a-z-]+\.md$/)
    for (const part of ['## Status', '## Context', '## Decision', '## Consequences']) expect(text).toContain(part)
    expect(text.split('\n').length).toBeLessThanOrEqual(70)
  })
})
