export { PersistenceModule } from './persistence.module.js'
export { storedCheckpoints } from './stored-checkpoints.js'
