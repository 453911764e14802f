/** What a benchmark or a tool needs of the authority without its process. */
export { Authority } from './authority.js'
export { Checkpoint } from './checkpoint.js'
export { Fold } from './fold.js'
export { Figures } from './observer.js'
export { ReferenceCache } from './references.js'
export { domainRules } from './rules.js'
export { type SiteOptions, siteOf } from './site.js'
export { takeOver } from './takeover.js'
