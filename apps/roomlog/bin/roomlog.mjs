#!/usr/bin/env node
/** `npx roomlog`: stands here before anything is built, so that npm can link it; builds what is missing. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cli = new URL('../dist/cli.js', import.meta.url)

if (!existsSync(cli)) {
  const setup = fileURLToPath(new URL('../../../infra/setup/ensure.mjs', import.meta.url))
  const { status } = spawnSync(process.execPath, [setup], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) process.exit(status ?? 1)
}
await import(cli.href)
