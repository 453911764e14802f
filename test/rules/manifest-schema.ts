/**
 * The structure of our manifests, as far as we use it: JSON schema of our own, so that the check needs no network and
 * also demands what Kubernetes merely allows (probes, resources, no privileges).
 */
const text = { type: 'string', minLength: 1 }
const number = { type: 'integer', minimum: 0 }
const texts = { type: 'object', additionalProperties: { type: 'string' } }

/** Exactly these members; those named in `required` must be there. */
function object(properties: Record<string, unknown>, required: string[] = Object.keys(properties)) {
  return { type: 'object', properties, required, additionalProperties: false }
}

const list = (items: unknown, minItems = 1) => ({ type: 'array', items, minItems })
const metadata = object({ name: { type: 'string', pattern: '^[a-z0-9-]+$' }, labels: texts, annotations: texts }, ['name', 'labels'])
const matchLabels = object({ matchLabels: texts })

const probe = (path: string) =>
  object(
    {
      httpGet: object({ path: { const: path }, port: { const: 'http' } }),
      periodSeconds: number,
      timeoutSeconds: number,
      failureThreshold: number,
    },
    ['httpGet', 'periodSeconds', 'failureThreshold'],
  )

const container = object({
  name: text,
  image: { const: 'roomlog' },
  args: list({ type: 'string', pattern: '^apps/[a-z]+/dist/main\\.js$' }),
  ports: list(object({ name: { enum: ['http', 'admin'] }, containerPort: number }), 2),
  envFrom: list({ oneOf: [object({ configMapRef: object({ name: text }) }), object({ secretRef: object({ name: text }) })] }),
  env: list({
    oneOf: [
      object({ name: text, value: { type: 'string' } }),
      object({ name: text, valueFrom: object({ fieldRef: object({ fieldPath: text }) }) }),
    ],
  }),
  startupProbe: probe('/health/live'),
  livenessProbe: probe('/health/live'),
  readinessProbe: probe('/health/ready'),
  resources: object({ requests: object({ cpu: text, memory: text }), limits: object({ memory: text }) }),
  securityContext: object({
    allowPrivilegeEscalation: { const: false },
    readOnlyRootFilesystem: { const: true },
    capabilities: object({ drop: { const: ['ALL'] } }),
  }),
  volumeMounts: list(object({ name: text, mountPath: text })),
})

const pod = object({
  enableServiceLinks: { const: false },
  automountServiceAccountToken: { const: false },
  terminationGracePeriodSeconds: number,
  securityContext: object({
    runAsNonRoot: { const: true },
    runAsUser: { type: 'integer', minimum: 1 },
    runAsGroup: { type: 'integer', minimum: 1 },
    fsGroup: { type: 'integer', minimum: 1 },
    seccompProfile: object({ type: { const: 'RuntimeDefault' } }),
  }),
  topologySpreadConstraints: list(object({ maxSkew: number, topologyKey: text, whenUnsatisfiable: text, labelSelector: matchLabels })),
  containers: { ...list(container), maxItems: 1 },
  volumes: list(object({ name: text, emptyDir: { type: 'object' } })),
})

export const manifestSchemas: Record<string, object> = {
  Deployment: object({
    apiVersion: { const: 'apps/v1' },
    kind: { const: 'Deployment' },
    metadata,
    spec: object({
      replicas: { type: 'integer', minimum: 1 },
      revisionHistoryLimit: number,
      selector: matchLabels,
      strategy: object({ rollingUpdate: object({ maxSurge: number, maxUnavailable: number }) }),
      template: object({ metadata: object({ labels: texts, annotations: texts }), spec: pod }),
    }),
  }),
  Service: object({
    apiVersion: { const: 'v1' },
    kind: { const: 'Service' },
    metadata,
    spec: object({ selector: texts, ports: list(object({ name: { const: 'http' }, port: number, targetPort: { const: 'http' } })) }),
  }),
  PodDisruptionBudget: object({
    apiVersion: { const: 'policy/v1' },
    kind: { const: 'PodDisruptionBudget' },
    metadata,
    spec: object({ maxUnavailable: number, selector: matchLabels }),
  }),
  ConfigMap: object({ apiVersion: { const: 'v1' }, kind: { const: 'ConfigMap' }, metadata, data: texts }),
  Namespace: object({ apiVersion: { const: 'v1' }, kind: { const: 'Namespace' }, metadata }),
  Kustomization: object(
    {
      apiVersion: { const: 'kustomize.config.k8s.io/v1beta1' },
      kind: { const: 'Kustomization' },
      namespace: text,
      resources: list(text),
      images: list(object({ name: text, newName: text, newTag: text })),
      replicas: list(object({ name: text, count: number })),
      secretGenerator: list(object({ name: text, options: { type: 'object' }, literals: list(text) })),
      patches: list(object({ target: object({ kind: text, name: text }), patch: text })),
    },
    ['apiVersion', 'kind', 'resources', 'images'],
  ),
}

/** The compose file: what every service of it must and may have. */
export const composeSchema = object(
  {
    name: text,
    services: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        required: ['image'],
        properties: {
          image: { type: 'string', pattern: ':[^:]+$' },
          environment: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
          ports: list({ type: 'string', pattern: '^127\\.0\\.0\\.1:' }),
          volumes: list(text),
        },
      },
    },
    volumes: { type: 'object' },
  },
  ['name', 'services'],
)
