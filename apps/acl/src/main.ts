import { runProcess, serve } from '@roomlog/runtime'
import { AclModule } from './acl.module.js'

/** The authority over its share of the partitions, until SIGTERM or SIGINT. */
await runProcess('acl', async ({ config, logger, shutdown }) => {
  const served = await serve(AclModule.register(config), { service: 'acl', config, logger })
  shutdown.add('acl', () => served.close())
})
