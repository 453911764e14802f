/** The documents that derive from the operation table. */
export { asyncApi } from './documents/asyncapi.js'
export { openApi } from './documents/openapi.js'
