/** The AsyncAPI 3 document of the WebSocket and of the Kafka topics, built from the operation table and the tables of codes and topics. */
import { closeCodes } from '../codes.js'
import { subprotocol } from '../frames.js'
import { operations, schemas } from '../operations.js'
import { topics } from '../topics.js'
import { clientMessages, serverMessages } from './messages.js'
import { type JsonSchema, jsonSchema, productInfo } from './schema.js'

/** `host` is that of the public listener. */
export function asyncApi(host = '127.0.0.1:7700'): JsonSchema {
  const kafka = kafkaChannels()
  const client = clientMessages()
  const server = serverMessages()
  return {
    asyncapi: '3.1.0',
    info: { ...productInfo, license: { name: 'Apache-2.0' }, description: `${productInfo.description} ${closes()}` },
    servers: {
      websocket: {
        host,
        protocol: 'ws',
        pathname: '/v1/ws',
        description: `subprotocol ${subprotocol}`,
        security: [{ $ref: '#/components/securitySchemes/bearer' }],
      },
      kafka: { host: 'localhost:9092', protocol: 'kafka' },
    },
    channels: {
      websocket: {
        address: '/v1/ws',
        title: 'A text frame is one JSON object or an array of them',
        servers: [{ $ref: '#/servers/websocket' }],
        messages: { ...references(client), ...references(server) },
      },
      ...kafka.channels,
    },
    operations: {
      request: { action: 'receive', channel: { $ref: '#/channels/websocket' }, messages: inChannel('websocket', client) },
      deliver: { action: 'send', channel: { $ref: '#/channels/websocket' }, messages: inChannel('websocket', server) },
      ...kafka.operations,
    },
    components: {
      messages: { ...client, ...server, ...kafka.messages },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  }
}

/** Topics that internal services may write or read; the others are ours. */
const openTopics: Record<string, { action: 'send' | 'receive'; summary: string; payload: () => JsonSchema }> = {
  'ingest.events': { action: 'receive', summary: 'What internal services publish; key = room ID', payload: ingestPayload },
  'ingest.dead': {
    action: 'send',
    summary: 'Records of ingest.events that could not be taken, with the header `reason`',
    payload: () => ({}),
  },
  'ingest.events.reply': {
    action: 'send',
    summary: 'Answers, as Nest’s ClientKafka understands them',
    payload: () => jsonSchema(schemas.accepted),
  },
  'room.events': {
    action: 'send',
    summary: 'Every event as clients see it; key = room ID. Ignore a record whose header `offset` is not its own, and those without `seq`',
    payload: () => jsonSchema(schemas.event),
  },
}

function kafkaChannels() {
  const channels: JsonSchema = {}
  const messages: JsonSchema = {}
  const own: JsonSchema = {}
  for (const { name } of topics.filter((topic) => topic.name in openTopics)) {
    const { action, summary, payload } = openTopics[name]!
    const id = name.replaceAll('.', '_')
    messages[id] = { name, summary, contentType: 'application/json', payload: payload(), headers: headersOf(name) }
    channels[id] = { address: name, servers: [{ $ref: '#/servers/kafka' }], messages: { [id]: { $ref: `#/components/messages/${id}` } } }
    own[id] = { action, channel: { $ref: `#/channels/${id}` }, messages: [{ $ref: `#/channels/${id}/messages/${id}` }] }
  }
  return { channels, messages, operations: own }
}

function ingestPayload(): JsonSchema {
  const publish = operations.find(({ name }) => name === 'publishMany')!
  const schema = jsonSchema(publish.input, 'input') as { properties: JsonSchema; required: string[] }
  const sender = { anyOf: [{ type: 'string' }, jsonSchema(schemas.identity)] }
  const labels = { channels: { type: 'array', items: { type: 'string' } }, readers: { type: 'array', items: { type: 'string' } } }
  return { ...schema, properties: { ...schema.properties, sender, ...labels }, required: schema.required.filter((name) => name !== 'room') }
}

function headersOf(topic: string): JsonSchema {
  const names: Record<string, string[]> = {
    'ingest.events': ['traceparent', 'roomlog-service', 'kafka_correlationId', 'kafka_replyTopic', 'kafka_replyPartition'],
    'ingest.dead': ['reason', 'origin'],
    'ingest.events.reply': ['kafka_correlationId', 'kafka_nest-err', 'kafka_nest-is-disposed'],
    'room.events': ['v', 'offset', 'cmd', 'seq', 'type', 'key', 'sender', 'follows', 'erases', 'keys', 'sum', 'traceparent'],
  }
  return { type: 'object', properties: Object.fromEntries((names[topic] ?? []).map((name) => [name, { type: 'string' }])) }
}

function references(messages: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]))
}

function inChannel(channel: string, messages: JsonSchema): JsonSchema[] {
  return Object.keys(messages).map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }))
}

function closes(): string {
  return `Close codes: ${Object.entries(closeCodes)
    .map(([code, { name }]) => `${code} ${name}`)
    .join(', ')}.`
}
