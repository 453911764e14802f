import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { read, root } from './tree.ts'

const linesMax = 250

/** The numbered list under the heading `Reading path`; each item begins with a link to its file. */
function readingPath(): string[] {
  const section =
    read('README.md')
      .split(/^## Reading path$/m)[1]
      ?.split(/^## /m)[0] ?? ''
  return [...section.matchAll(/^\d+\. \[[^\]]*\]\(([^)]+)\)/gm)].map((match) => match[1]!)
}

test('the reading path of the README is seven files', () => {
  expect(new Set(readingPath()).size).toBe(7)
})

test.each(readingPath())('%s exists and has at most 250 lines', (path) => {
  expect(existsSync(join(root, path)), `${path} does not exist`).toBe(true)
  expect(read(path).trimEnd().split('\n').length).toBeLessThanOrEqual(linesMax)
})
