export * from './kafka.js'
export * from './kafka-jars.js'
export * from './proxy.js'
export * from './postgres.js'
