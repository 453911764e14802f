import { defineConfig } from 'vitest/config'

// Every fault once, on real processes: the short form of `npm run faults`.
export default defineConfig({
  test: {
    include: ['faults/once/**/*.spec.ts', 'faults/incidents/**/*.spec.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 180_000,
  },
})
