/** Lets plain Node run the sources: a relative import of `x.js` is `x.ts` where that is what there is. */
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('.') && context.parentURL?.startsWith('file:')) {
      const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
      if (source.pathname.endsWith('.ts') && existsSync(fileURLToPath(source)))
        return { url: source.href, format: 'module-typescript', shortCircuit: true }
    }
    return next(specifier, context)
  },
})
