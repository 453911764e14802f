import { join } from 'node:path'
import { testVariable, variables } from '@roomlog/runtime'
import { expect, test } from 'vitest'
import { filesUnder, read, root } from './tree.ts'

/** The tests of the configuration itself name what does not exist. */
const exempt = /\/libs\/runtime\/src\/(config\.spec|unknown)\.ts$|\/test\/rules\//

test('every variable that a source names is one that exists', () => {
  const known = new Set(Object.keys(variables))
  const unknown = ['apps', 'libs', 'test', 'infra', '.ci']
    .flatMap((directory) => filesUnder(join(root, directory)))
    .filter((path) => /\.(ts|mjs|yaml|yml|sh)$|\/run$/.test(path) && !exempt.test(path))
    .flatMap((path) => {
      const names = read(path.slice(root.length)).match(/\bROOMLOG_[A-Z0-9_]*[A-Z0-9]\b/g) ?? []
      return [...new Set(names)]
        .filter((name) => !known.has(name) && !testVariable.test(name) && name !== 'ROOMLOG_LIMIT')
        .map((name) => `${path.slice(root.length)}: ${name}`)
    })
  expect(unknown).toEqual([])
})
