import { describe, expect, test } from 'vitest'
import { brokenImports } from './imports.ts'
import { importsOf, packageFile, packageOf, projects, type SourceFile, sourceFiles } from './tree.ts'

const files = sourceFiles()

function file(path: string, ...imports: string[]): SourceFile {
  return { path, project: path.split('/').slice(0, 2).join('/'), test: path.endsWith('.spec.ts'), imports }
}

describe('imports', () => {
  test('follow the arrows of the layout', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(brokenImports(files)).toEqual([])
  })

  test('name packages that the project declares', () => {
    const declared = new Map(projects().map((project) => [project, packageFile(project)]))
    const missing = files
      .filter((source) => !source.test)
      .flatMap((source) =>
        source.imports
          .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
          .map(packageOf)
          .filter((name) => name !== declared.get(source.project)!.name && !declared.get(source.project)!.declared.includes(name))
          .map((name) => `${source.path}: ${name} is not in ${source.project}/package.json`),
      )
    expect(missing).toEqual([])
  })

  test.each([
    [file('libs/domain/src/room.ts', 'node:crypto'), 'the domain imports nothing'],
    [file('libs/domain/src/room.ts', '@roomlog/protocol'), 'arrows have a direction'],
    [file('libs/protocol/src/event.ts', '@nestjs/common'), 'no framework in the core'],
    [file('libs/protocol/src/event.ts', 'ws'), 'no sockets in the core'],
    [file('apps/edge/src/feed.ts', 'kafkajs'), 'Kafka clients have their places'],
    [file('apps/edge/src/feed.ts', '@roomlog/persistence'), 'no app imports another'],
    [file('apps/roomlog/src/main.ts', '@roomlog/edge/src/session.js'), 'nobody reaches into a project'],
    [file('apps/acl/src/main.ts', '../../edge/src/session.js'), 'nor by a path'],
    [file('apps/acl/src/authority.ts', '@roomlog/testing'), 'testing is for tests'],
    [file('apps/acl/src/authority.ts', './testing/stage.js'), 'also within a project'],
  ])('that break a rule are found: %j (%s)', (broken) => {
    expect(brokenImports([broken])).toHaveLength(1)
  })

  test('that are allowed are not', () => {
    const fine = [
      file('libs/domain/src/room.spec.ts', 'vitest', '@roomlog/testing', './room.js'),
      file('apps/roomlog/src/main.ts', '@roomlog/edge', '@roomlog/client'),
      file('libs/log/src/kafka/log.ts', '@platformatic/kafka', '../port.js', '@roomlog/protocol'),
      file('libs/door/src/validate.ts', '@roomlog/protocol/operations'),
    ]
    expect(brokenImports(fine)).toEqual([])
  })

  test('are read from code and not from comments', () => {
    const source =
      "import type { A,\n  B } from './a.js'\nexport * from \"b\"\n/* import 'c' */\n// import 'd'\nawait import('e')\nimport 'f'\n"
    expect(importsOf(source).sort()).toEqual(['./a.js', 'b', 'e', 'f'])
  })
})

test('every folder and file is named after a noun of ours', () => {
  const nowhere = files.map((source) => source.path).filter((path) => /(^|\/)(common|shared|utils?|helpers?)(\/|\.ts$)/.test(path))
  expect(nowhere).toEqual([])
})
