/** Starts the deployment that every file of this run uses. */
import type { TestProject } from 'vitest/node'
import { startCollector } from '../harness/collector.ts'
import { type Shape, shapes, startDeployment } from '../harness/deployment.ts'

export interface Provided {
  shape: Shape
  urls: string[]
  secret: string
  partitions: number
  dataDirectory: string
  kafka: { brokers: string; topicPrefix: string } | null
  adminUrls: Record<string, string>
  /** Where the deployment sends its traces. */
  collectorUrl: string
}

declare module 'vitest' {
  interface ProvidedContext {
    deployment: Provided
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shape = (process.env.ROOMLOG_E2E ?? 'embedded') as Shape
  if (!shapes.includes(shape)) throw new Error(`ROOMLOG_E2E=${shape}: one of ${shapes.join(', ')}`)
  const collector = await startCollector()
  const deployment = await startDeployment(shape, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '500' } })
  project.provide('deployment', {
    shape,
    urls: deployment.urls,
    secret: deployment.tokens.secret,
    partitions: deployment.partitions,
    dataDirectory: deployment.dataDirectory,
    kafka: deployment.kafka ?? null,
    collectorUrl: collector.url,
    adminUrls: Object.fromEntries(deployment.services.map((service) => [service.name, service.adminUrl])),
  })
  return async () => {
    await deployment.stop()
    await collector.stop()
    if (process.env.ROOMLOG_E2E_OUTPUT)
      for (const service of deployment.services) process.stderr.write(`--- ${service.name}\n${service.output()}\n`)
  }
}
