import { runProcess, serve } from '@roomlog/runtime'
import { IngestModule } from './ingest.module.js'

/** The front door for HTTP and for internal services on Kafka, until SIGTERM or SIGINT. */
await runProcess('ingest', async ({ config, logger, shutdown }) => {
  const prepare = IngestModule.prepare(config)
  const served = await serve(IngestModule.register(config), { service: 'ingest', config, logger, prepare })
  shutdown.add('ingest', () => served.close())
  process.stdout.write(`roomlog ingest ready ${served.url}\n`)
})
