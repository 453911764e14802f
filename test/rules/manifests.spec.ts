import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { defaultLimits, defaultPorts, variables } from '@roomlog/runtime'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { composeSchema, manifestSchemas } from './manifest-schema.ts'
import { filesUnder, read, root, sourceFiles } from './tree.ts'

const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true })
const services = Object.keys(defaultPorts) as (keyof typeof defaultPorts)[]
const manifests = filesUnder(join(root, 'k8s')).flatMap((path) =>
  parseAllDocuments(read(path.slice(root.length))).map((document) => ({ path: path.slice(root.length), manifest: document.toJS() as any })),
)
const ofKind = (kind: string, name: string) =>
  manifests.map(({ manifest }) => manifest).find((manifest) => manifest.kind === kind && manifest.metadata?.name === name)
const knownNames = Object.keys(variables)

function mistakes(schema: object, value: unknown): string[] {
  const validate = ajv.compile(schema)
  return validate(value) ? [] : validate.errors!.map((error) => `${error.instancePath} ${error.message}`)
}

describe('the manifests', () => {
  test.each(manifests.map(({ path, manifest }) => [path, manifest.kind, manifest] as const))(
    '%s: %s has our structure',
    (_path, kind, manifest) => {
      expect(manifestSchemas[kind], `no structure for ${kind}`).toBeDefined()
      expect(mistakes(manifestSchemas[kind]!, manifest)).toEqual([])
    },
  )

  test('with a mistake are found', () => {
    const broken = structuredClone(ofKind('Deployment', 'edge'))
    delete broken.spec.template.spec.containers[0].readinessProbe
    broken.spec.template.spec.securityContext.runAsUser = 0
    broken.spec.template.spec.hostNetwork = true
    expect(mistakes(manifestSchemas['Deployment']!, broken)).toHaveLength(3)
  })

  test.each(services)('%s listens on the ports of the contract, and is what its service and its budget mean', (name) => {
    const deployment = ofKind('Deployment', name)
    const [container] = deployment.spec.template.spec.containers
    const port = defaultPorts[name]
    expect(container.args).toEqual([`apps/${name}/dist/main.js`])
    expect(container.ports.map((entry: any) => entry.containerPort)).toEqual([port, port + 100])
    const env = Object.fromEntries(container.env.map((entry: any) => [entry.name, entry.value]))
    expect([env.ROOMLOG_HTTP, env.ROOMLOG_ADMIN_HTTP]).toEqual([`0.0.0.0:${port}`, `0.0.0.0:${port + 100}`])
    expect(ofKind('Service', name).spec.ports[0].port).toBe(port)
    const { matchLabels } = deployment.spec.selector
    expect(deployment.spec.template.metadata.labels).toMatchObject(matchLabels)
    expect(ofKind('Service', name).spec.selector).toEqual(matchLabels)
    expect(ofKind('PodDisruptionBudget', name).spec.selector.matchLabels).toEqual(matchLabels)
  })

  test('name only variables that exist, with values that are valid', () => {
    const given = manifests.flatMap(({ manifest }) => [
      ...Object.entries(manifest.kind === 'ConfigMap' ? manifest.data : {}),
      ...(manifest.spec?.template?.spec.containers[0].env ?? []).map((entry: any) => [entry.name, entry.value]),
      ...(manifest.secretGenerator ?? []).flatMap((secret: any) =>
        secret.literals.map((literal: string) => literal.split(/=(.*)/s).slice(0, 2)),
      ),
    ]) as [string, string | undefined][]
    expect(given.length).toBeGreaterThan(15)
    expect(invalid(given)).toEqual([])
  })

  test('give a process longer to stop than it takes at most', () => {
    for (const name of services)
      expect(ofKind('Deployment', name).spec.template.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(defaultLimits.shutdownMs)
  })

  test('name files that are there', () => {
    const missing = manifests
      .filter(({ manifest }) => manifest.kind === 'Kustomization')
      .flatMap(({ path, manifest }) => manifest.resources.map((resource: string) => join(dirname(path), resource)))
      .filter((path: string) => !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })
})

describe('the compose file', () => {
  const compose = parse(read('infra/compose.yaml'), { merge: true })

  test('has our structure, and opens loopback only', () => {
    const { name, services, volumes } = compose
    expect(mistakes(composeSchema, { name, services, volumes })).toEqual([])
  })

  test('runs every service with variables that exist and are valid', () => {
    for (const name of services) {
      const environment = Object.entries(compose.services[name].environment) as [string, string][]
      expect(invalid(environment.map(([key, value]) => [key, value.replace(/\$\{ROOMLOG_AUTH_SECRET.*\}/, 'x'.repeat(32))]))).toEqual([])
    }
  })

  test('mounts files that are there', () => {
    const mounts = Object.values<any>(compose.services).flatMap((service) =>
      (service.volumes ?? []).map((volume: string) => volume.split(':')[0]!),
    )
    expect(mounts.filter((source) => source.startsWith('./') && !existsSync(join(root, 'infra', source)))).toEqual([])
  })
})

describe('the dashboard and the alerts', () => {
  const named = ['infra/grafana/dashboards/roomlog.json', 'infra/prometheus/alerts.yml'].flatMap((path) => [
    ...read(path).matchAll(/\broomlog_[a-z0-9_]+/g),
  ])
  const sources = sourceFiles()
    .filter((file) => !file.test)
    .map((file) => read(file.path))
    .join('\n')
  const literals = [...sources.matchAll(/['`](roomlog_(?:[a-z0-9_]|\$\{[^{}'`]*\})*)['`]/g)].map((match) => match[1]!)

  /** As it stands, or as a template fills it in with the name of a figure: `roomlog_acl_${…}_total`. */
  function exists(name: string): boolean {
    return literals.some((literal) => {
      const filled = new RegExp(`^${literal.replace(/\$\{[^}]*\}/, '([a-z_]+)')}$`).exec(name)
      if (!filled) return false
      const figure = filled[1]?.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      return figure === undefined || new RegExp(`\\b${figure}\\b['"]?:`).test(sources)
    })
  }

  test('show only figures that some process has', () => {
    expect(named.length).toBeGreaterThan(20)
    const names = new Set(named.map(([name]) => name.replace(/_bucket$/, '')))
    expect([...names].filter((name) => !exists(name))).toEqual([])
    expect(exists('roomlog_acl_nonsense_total')).toBe(false)
  })

  test('are well formed', () => {
    const panels = JSON.parse(read('infra/grafana/dashboards/roomlog.json')).panels
    expect(new Set(panels.map((panel: any) => panel.id)).size).toBe(panels.length)
    for (const { rules } of parse(read('infra/prometheus/alerts.yml')).groups)
      for (const rule of rules)
        expect(rule).toMatchObject({
          alert: expect.any(String),
          expr: expect.any(String),
          labels: { severity: expect.any(String) },
          annotations: { summary: expect.any(String) },
        })
  })
})

/** Names of ours that no process reads, or whose value none would accept; `$(…)` is Kubernetes' own. */
function invalid(given: [string, string | undefined][]): string[] {
  return given
    .filter(([name]) => name.startsWith('ROOMLOG_') || knownNames.includes(name))
    .filter(([name, value]) => {
      const variable = variables[name as keyof typeof variables]
      return !variable || (value !== undefined && !variable.schema.safeParse(value.replace(/\$\([A-Z_]+\)/g, '10.0.0.1')).success)
    })
    .map(([name, value]) => `${name}=${value}`)
}
