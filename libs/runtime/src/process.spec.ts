/** Real processes, from the sources: what an operator sees when a start goes wrong, and when it is told to end. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const data = mkdtempSync(join(tmpdir(), 'roomlog-process-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

const index = new URL('../dist/index.js', import.meta.url).href

/** @returns how it ended, and what it had said by then; `onLine` sees every line of its standard output. */
function run(body: string, env: Record<string, string>, onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void) {
  const code = `import { runProcess } from '${index}'\nawait runProcess('acl', async ({ shutdown, logger }) => { ${body} })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env: { PATH: process.env['PATH'], ROOMLOG_DATA: data, ...env },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
    for (const line of String(chunk).trim().split('\n')) onLine?.(line, (signal) => child.kill(signal))
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on('close', (exit) => resolve({ code: exit, stdout, stderr })),
  )
}

test('a wrong configuration ends a process with 78 and names every variable', async () => {
  const { code, stderr } = await run('', { ROOMLOG_PARTITIONS: 'x', ROOMLOG_DURABILITY: 'y' })
  expect(code).toBe(78)
  expect(stderr).toMatch(/ROOMLOG_PARTITIONS: .*\n.*ROOMLOG_DURABILITY: /)
  expect(stderr).not.toContain('at ')
})

test('a part that does not start ends the process with 1, after what had started has stopped', async () => {
  const { code, stdout, stderr } = await run("shutdown.add('log', () => void logger.info('log stopped')); throw new Error('no broker')", {})
  expect(code).toBe(1)
  expect(stdout).toContain('log stopped')
  expect(JSON.parse(stderr)).toMatchObject({ msg: 'could not start', err: { message: 'no broker' } })
})

test('SIGTERM ends a process in good order', async () => {
  const { code, stdout } = await run(
    "const timer = setInterval(() => {}, 1000); shutdown.add('part', () => { clearInterval(timer); logger.info('part stopped') }); logger.info('up')",
    {},
    (line, kill) => line.includes('"up"') && kill('SIGTERM'),
  )
  expect(code).toBe(0)
  expect(stdout).toContain('part stopped')
})

test('a bug ends a process with 1 and says where', async () => {
  const { code, stderr } = await run("setTimeout(() => { throw new Error('impossible') }, 1)", {})
  expect(code).toBe(1)
  expect(JSON.parse(stderr)).toMatchObject({ level: 'error', err: { message: 'impossible' } })
})
