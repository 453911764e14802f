import { defineConfig } from 'vitest/config'

// Libraries are tested from their sources: the condition is the first of each package's exports.
// 'import' must not be named: it would reach require(), and CommonJS packages would be given ES modules.
const conditions = ['@roomlog/source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // Specs stand outside of the projects' tsconfig, which says this for the sources.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    include: ['src/**/*.spec.ts'],
    exclude: ['**/dist/**', '**/node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
})
