export * from './failure.js'
export * from './partition.js'
export * from './port.js'
export * from './position.js'
