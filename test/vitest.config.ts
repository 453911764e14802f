import { defineConfig } from 'vitest/config'

// What needs no deployment: the checker of histories, and the rules of the tree.
export default defineConfig({ test: { include: ['faults/*.spec.ts', 'rules/**/*.spec.ts', 'interop/**/*.spec.ts'] } })
