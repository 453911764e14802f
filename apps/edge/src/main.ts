import { runProcess, serve } from '@roomlog/runtime'
import { EdgeModule } from './edge.module.js'

/** Where clients connect, until SIGTERM or SIGINT. */
await runProcess('edge', async ({ config, logger, shutdown }) => {
  const served = await serve(EdgeModule.register(config), { service: 'edge', config, logger })
  shutdown.add('edge', () => served.close())
})
