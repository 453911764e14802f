/** Which processes there are, in the order in which they start, and what each is told. */
import { fileURLToPath } from 'node:url'

export interface Service {
  name: string
  script: string
  url: string
  adminUrl: string
  env: NodeJS.ProcessEnv
}

export const serviceNames = ['edge-1', 'ingest', 'persistence', 'acl-1', 'acl-2', 'edge-2'] as const
export type ServiceName = (typeof serviceNames)[number]

/** A public and an operators' port each. */
export type ClusterPorts = Record<ServiceName, { http: number; admin: number }>

/** From the first edge's on: 7700 edge, 7701 ingest, 7702 persistence, 7703 and 7704 acl, 7705 the second edge; operators' + 100. */
export function portsFrom(first: { http: number; admin: number }): ClusterPorts {
  const ports = serviceNames.map((name, index) => [name, { http: first.http + index, admin: first.admin + index }])
  return Object.fromEntries(ports) as ClusterPorts
}

/** Stages: the services of one start together, each stage when the one before is ready. */
export function servicesOf(host: string, ports: ClusterPorts, logUrl: string): Service[][] {
  const urlOf = (name: ServiceName) => `http://${host}:${ports[name].http}`
  const upstream = { ROOMLOG_PERSISTENCE_URL: urlOf('persistence'), ROOMLOG_INGEST_URL: urlOf('ingest') }
  const service = (name: ServiceName, app: string, more: NodeJS.ProcessEnv = {}): Service => ({
    name,
    script: fileURLToPath(new URL(`../../../${app}/dist/main.js`, import.meta.url)),
    url: urlOf(name),
    adminUrl: `http://${host}:${ports[name].admin}`,
    env: {
      ...upstream,
      ROOMLOG_LOG_URL: logUrl,
      ROOMLOG_HTTP: `${host}:${ports[name].http}`,
      ROOMLOG_ADMIN_HTTP: `${host}:${ports[name].admin}`,
      ...more,
    },
  })
  return [
    // The first one alone makes the topics.
    [service('acl-1', 'acl')],
    [service('acl-2', 'acl'), service('persistence', 'persistence')],
    [service('ingest', 'ingest')],
    [service('edge-1', 'edge'), service('edge-2', 'edge', { ROOMLOG_MQTT: '' })],
  ]
}
