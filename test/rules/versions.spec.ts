/** Lower bounds that security advisories set, and packages that stay out: an audit service cannot be reached everywhere. */
import { expect, test } from 'vitest'
import { read } from './tree.ts'

interface Locked {
  version?: string
  resolved?: string
  optional?: boolean
  optionalDependencies?: Record<string, string>
  link?: boolean
}

const lockfile: Record<string, Locked> = JSON.parse(read('package-lock.json')).packages
const versionsOf = (name: string) =>
  Object.entries(lockfile)
    .filter(([path, locked]) => path.endsWith(`node_modules/${name}`) && !locked.link)
    .map(([, locked]) => locked.version!)

/** Those that are not installed (yet) are bound as well. */
const floors: [string, string][] = [
  ['ws', '8.21.1'],
  ['engine.io', '6.6.9'],
  ['socket.io-parser', '4.2.7'],
  ['@nestjs/core', '11.1.18'],
  ['@nestjs/microservices', '11.1.19'],
  ['typeorm', '0.3.26'],
  ['path-to-regexp', '8.4.0'],
  ['undici', '7.24.0'],
]

test.each(floors)('%s is at least %s', (name, floor) => {
  expect(versionsOf(name).filter((version) => below(version, floor))).toEqual([])
})

test('what the floors are about is really here', () => {
  for (const name of ['ws', '@nestjs/core', '@nestjs/microservices', 'typeorm', 'undici']) expect(versionsOf(name), name).not.toEqual([])
})

test.each(['multer', 'jsonwebtoken', 'fast-jwt'])('%s is not here', (name) => {
  expect(versionsOf(name)).toEqual([])
})

test('a version below its floor is found', () => {
  expect(['8.21.0', '8.9.9', '7.99.0'].every((version) => below(version, '8.21.1'))).toBe(true)
  expect(['8.21.1', '8.22.0', '10.0.0'].some((version) => below(version, '8.21.1'))).toBe(false)
})

test('the lockfile names no package host', () => {
  expect(Object.entries(lockfile).filter(([, locked]) => /^https?:/.test(locked.resolved ?? ''))).toEqual([])
})

test('the lockfile is complete for every platform, or npm ci refuses it', () => {
  const missing = Object.entries(lockfile)
    .filter(([, locked]) => !locked.optional)
    .flatMap(([path, locked]) =>
      Object.keys(locked.optionalDependencies ?? {}).filter(
        (name) => !lockfile[`node_modules/${name}`] && !lockfile[`${path}/node_modules/${name}`],
      ),
    )
  expect(missing).toEqual([])
})

test('every dependency is pinned to one version', () => {
  const loose = Object.entries(lockfile)
    .filter(([path]) => !path.includes('node_modules'))
    .flatMap(([path]) => {
      const file = JSON.parse(read(`${path === '' ? '.' : path}/package.json`))
      return Object.entries({ ...file.dependencies, ...file.devDependencies, ...file.optionalDependencies })
        .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))
        .map(([name, version]) => `${path}: ${name} ${version}`)
    })
  expect(loose).toEqual([])
})

function below(version: string, floor: string): boolean {
  const [a, b] = [version, floor].map((text) => text.split('-')[0]!.split('.').map(Number))
  for (const index of [0, 1, 2]) if (a![index] !== b![index]) return a![index]! < b![index]!
  return version.includes('-')
}
