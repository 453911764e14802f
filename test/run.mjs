/**
 * `npm test`: every suite of every project, on one real Kafka and one real PostgreSQL that this run starts and ends.
 *
 * Projects are tested by Nx, two at a time; then the end-to-end suite runs once a shape of deployment, alone. Everything is counted
 * from Vitest's own reports, so that a project that ends without one counts as failed. The last line is `N passed, N failed, N skipped`.
 * Without Java and Maven the runs on Kafka are skipped, with one line that says so; with CI=true that is a failure.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kafkaJars, missingJava, startKafka, startPostgres } from '../libs/testing/dist/index.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const report = join('dist', 'test-results')
const counts = { passed: 0, failed: 0, skipped: 0 }
const undo = []
let running

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void interrupted())
try {
  await runAll()
} catch (error) {
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
} finally {
  await cleanUp()
}
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1)

async function runAll() {
  const kafka = await kafkaForAll()
  const postgres = await startPostgres()
  undo.push(() => postgres.stop())
  const environment = { ROOMLOG_TEST_KAFKA: kafka ?? 'off', ROOMLOG_TEST_DATABASE: postgres.url }

  await nx(['run-many', '-t', 'test', '--parallel=2', '--nxBail=false'], environment)
  for (const shape of kafka ? ['embedded', 'kafka', 'cluster'] : ['embedded'])
    await nx(['run-many', '-t', `e2e:${shape}`, '--nxBail=false'], environment)
  await nx(['run-many', '-t', 'faults:once', '--nxBail=false'], environment)
}

/** @returns the address of a broker; undefined where the machine cannot run one. */
async function kafkaForAll() {
  if (process.env.ROOMLOG_TEST_KAFKA) return process.env.ROOMLOG_TEST_KAFKA
  const reason = missingJava() ?? unfetchedJars()
  if (reason) {
    const line = `the runs on Kafka are skipped: ${reason}`
    if (process.env.CI === 'true') fail(line)
    else {
      process.stdout.write(`${line}\n`)
      counts.skipped++
    }
    return undefined
  }
  progress('starting Kafka and PostgreSQL')
  const kafka = await startKafka()
  undo.push(() => kafka.stop())
  return String(kafka.brokers)
}

function unfetchedJars() {
  try {
    kafkaJars()
    return undefined
  } catch (error) {
    return error.message
  }
}

/** Runs one set of targets to its end and adds up what their reports say. */
async function nx(args, environment) {
  progress(args.join(' '))
  const since = Date.now()
  for (const project of projects()) rmSync(join(project, report), { recursive: true, force: true })
  const vitest = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}/results.json`]
  const status = await run(join(root, 'node_modules', '.bin', 'nx'), [...args, '--output-style=static', '--', ...vitest], environment)
  const failedBefore = counts.failed
  for (const project of projects()) addUp(project)
  if (status !== 0 && counts.failed === failedBefore) fail(`nx ${args.join(' ')} ended with ${status}, with no failed test in any report`)
  progress(`${args.join(' ')}: ${Math.round((Date.now() - since) / 1000)} s`)
}

function projects() {
  const within = (kind) => readdirSync(join(root, kind)).map((name) => join(root, kind, name))
  return [...within('apps'), ...within('libs'), join(root, 'test')].filter((path) => existsSync(join(path, 'package.json')))
}

function addUp(project) {
  const file = join(project, report, 'results.json')
  if (!existsSync(file)) return
  const results = JSON.parse(readFileSync(file, 'utf8'))
  counts.passed += results.numPassedTests
  counts.failed += results.numFailedTests
  counts.skipped += results.numPendingTests + results.numTodoTests
  for (const suite of results.testResults) {
    const failed = suite.assertionResults.filter((test) => test.status === 'failed')
    for (const test of failed) process.stdout.write(`FAILED ${relative(root, suite.name)}: ${test.fullName}\n`)
    if (suite.status === 'failed' && failed.length === 0) fail(`${relative(root, suite.name)}: ${suite.message}`)
  }
}

function run(command, args, environment) {
  return new Promise((resolve, reject) => {
    running = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...environment, NX_DAEMON: 'false', NX_TUI: 'false', NX_NO_CLOUD: 'true' },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    running.once('error', reject)
    running.once('exit', (code, signal) => {
      running = undefined
      resolve(code ?? signal)
    })
  })
}

function fail(text) {
  counts.failed++
  process.stdout.write(`FAILED ${text}\n`)
}

function progress(text) {
  process.stderr.write(`roomlog: ${text} …\n`)
}

async function interrupted() {
  running?.kill('SIGTERM')
  await cleanUp()
  process.exit(130)
}

async function cleanUp() {
  for (const step of undo.splice(0).reverse()) await step()
}
