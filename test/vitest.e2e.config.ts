import { defineConfig } from 'vitest/config'

// The same suite against one deployment, whose shape ROOMLOG_E2E names: embedded (default), kafka or cluster.
// The libraries are used as built, like everything else that a user gets.
export default defineConfig({
  test: {
    globalSetup: ['e2e/setup.ts'],
    include: ['e2e/**/*.spec.ts'],
    exclude: (process.env.ROOMLOG_E2E ?? 'embedded') === 'embedded' ? ['e2e/kafka/**'] : [],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
})
