import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts', 'src/**/*.test.ts'],
    globals: false,
    pool: 'forks',
    fileParallelism: true,
    // Each file starts its own servers: more at once only makes every deadline tighter.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 90_000,
  },
})
