/** What the rules look at: the files of the tree and what each of them imports. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

export const root = new URL('../../', import.meta.url).pathname

export interface SourceFile {
  /** From the root, with slashes. */
  path: string
  /** `libs/domain`, `apps/edge`. */
  project: string
  /** Specs, contracts and the folder `testing`: what only tests load. */
  test: boolean
  imports: string[]
}

export interface PackageFile {
  project: string
  name: string
  declared: string[]
}

export function projects(): string[] {
  return ['apps', 'libs'].flatMap((kind) => readdirSync(join(root, kind)).map((name) => `${kind}/${name}`))
}

/** The TypeScript sources of all projects. */
export function sourceFiles(): SourceFile[] {
  return projects().flatMap((project) =>
    filesUnder(join(root, project, 'src'))
      .filter((path) => path.endsWith('.ts'))
      .map((path) => ({
        path: relative(root, path).split(sep).join('/'),
        project,
        test: /\.(spec|contract)\.ts$|\/src\/testing\//.test(path),
        imports: importsOf(readFileSync(path, 'utf8')),
      })),
  )
}

export function packageFile(project: string): PackageFile {
  const file = JSON.parse(read(`${project}/package.json`))
  return { project, name: file.name, declared: Object.keys({ ...file.dependencies, ...file.devDependencies, ...file.peerDependencies }) }
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export function filesUnder(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.name === 'node_modules' || entry.name === 'dist') return []
    return entry.isDirectory() ? filesUnder(path) : [path]
  })
}

/** Specifiers of static and dynamic imports and of re-exports; comments do not count. */
export function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const forms = [
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
  ]
  return [...new Set(forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1]!)))]
}

/** `@nestjs/common/internal` → `@nestjs/common`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
