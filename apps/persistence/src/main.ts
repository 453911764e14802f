import { runProcess, serve } from '@roomlog/runtime'
import { PersistenceModule } from './persistence.module.js'

/** The archive of the log in PostgreSQL and its reads, until SIGTERM or SIGINT. */
await runProcess('persistence', async ({ config, logger, shutdown }) => {
  const served = await serve(PersistenceModule.register(config), { service: 'persistence', config, logger })
  shutdown.add('persistence', () => served.close())
})
