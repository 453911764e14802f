import { runProcess, serve } from '@roomlog/runtime'
import { EdgeModule } from './edge.module.js'
import { onStop, startWorkers, workerSlot } from './workers.js'

/** Where clients connect, until SIGTERM or SIGINT: in this process, or in as many workers as are configured. */
await runProcess('edge', async ({ config, logger, shutdown }) => {
  const slot = workerSlot()
  if (config.edgeWorkers > 0 && slot === undefined) {
    const workers = await startWorkers({ count: config.edgeWorkers, logger })
    return shutdown.add('workers', () => workers.stop())
  }
  const own = slot === undefined ? logger : logger.child({ worker: slot })
  // Each worker has an operators' listener of its own: its figures are its own.
  const adminHttp = { ...config.adminHttp, port: config.adminHttp.port === 0 ? 0 : config.adminHttp.port + (slot ?? 1) - 1 }
  if (slot !== undefined) own.info({ pid: process.pid, adminPort: adminHttp.port }, 'worker start')
  const served = await serve(EdgeModule.register(config), { service: 'edge', config, logger: own, adminHttp })
  shutdown.add('edge', () => served.close())
  onStop(() => void shutdown.run().then((ended) => process.exit(ended ? 0 : 1)))
})
