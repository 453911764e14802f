export { AclModule } from './acl.module.js'
