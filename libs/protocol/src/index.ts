export * from './access.js'
export * from './headers.js'
export * from './reply.js'
export * from './topics.js'
