/** `roomlog <verb>`: the command line, a client of a deployment. */
import './require-node.js'
import { run } from './program.js'

// A reader that has seen enough (`| head`) ends us without a complaint.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.exit(await run(process.argv.slice(2)))
