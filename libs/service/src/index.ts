import 'reflect-metadata'

export * from './follower.js'
export * from './options.js'
export * from './publication.js'
export * from './publisher.js'
export * from './requests.js'
export * from './roomlog.module.js'
