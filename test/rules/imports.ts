/**
 * Who may import whom. `A ← B` in the layout means that B may import A, and whatever A itself may.
 *
 *   domain ← protocol ← log ← door ← apps      runtime ← door      protocol ← client ← apps/roomlog
 *                        log ← service, manager                     apps' root modules ← apps/roomlog
 */
import { packageOf, type SourceFile } from './tree.ts'

const base = ['domain', 'protocol', 'log']
const ofApps = [...base, 'door', 'runtime']

const mayImport: Record<string, string[]> = {
  'libs/domain': [],
  'libs/protocol': ['domain'],
  'libs/log': ['domain', 'protocol'],
  'libs/runtime': [],
  'libs/door': [...base, 'runtime'],
  'libs/client': ['domain', 'protocol'],
  'libs/service': base,
  'libs/manager': base,
  'libs/testing': [...base, 'client'],
  'apps/ingest': ofApps,
  'apps/acl': ofApps,
  'apps/persistence': ofApps,
  'apps/edge': ofApps,
  'apps/roomlog': [...ofApps, 'client', 'ingest', 'acl', 'persistence', 'edge'],
}

const kafkaClients = ['kafkajs', '@platformatic/kafka', 'kafka-crab-js', '@confluentinc/kafka-javascript', 'node-rdkafka']
const kafkaFolders = ['libs/log', 'libs/service', 'apps/ingest']
const keptOutOfTheCore = /^(@nestjs\/.*|typeorm|pg|ws|fastify|undici|rxjs)$/
const core = ['libs/domain', 'libs/protocol']

/** One line for every import that breaks a rule. */
export function brokenImports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    file.imports.flatMap((specifier) => broken(file, specifier).map((why) => `${file.path}: ${specifier} ${why}`)),
  )
}

function broken(file: SourceFile, specifier: string): string[] {
  if (specifier.startsWith('.')) return brokenPath(file, specifier)
  if (specifier.startsWith('@roomlog/')) return brokenArrow(file, specifier)
  if (file.test) return []
  const name = packageOf(specifier)
  if (file.project === 'libs/domain') return ['is outside of the domain, which imports nothing']
  if (core.includes(file.project) && keptOutOfTheCore.test(name)) return ['stays out of the core']
  if (kafkaClients.includes(name) && !kafkaFolders.includes(file.project)) return [`belongs to ${kafkaFolders.join(', ')} only`]
  return []
}

function brokenArrow(file: SourceFile, specifier: string): string[] {
  const [name, ...inside] = specifier.slice('@roomlog/'.length).split('/') as [string, ...string[]]
  const allowed = mayImport[file.project]
  if (!allowed) return [`: ${file.project} has no place in the rules`]
  if (inside[0] === 'src' || inside[0] === 'dist') return ['reaches into another project']
  if (name === file.project.split('/')[1] || allowed.includes(name) || (file.test && name === 'testing')) return []
  return [name === 'testing' ? 'is for tests only' : 'is against the arrows']
}

function brokenPath(file: SourceFile, specifier: string): string[] {
  if (leavesProject(file, specifier)) return ['leaves its project']
  return !file.test && /(^|\/)testing\//.test(specifier) ? ['is for tests only'] : []
}

function leavesProject(file: SourceFile, specifier: string): boolean {
  const inside = file.path.split('/').slice(2, -1)
  for (const part of specifier.split('/')) if (part === '..' && inside.pop() === undefined) return true
  return inside.length === 0 && specifier.startsWith('..')
}
