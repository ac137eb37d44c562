import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** They measure how long things take to heal, so they run after all others, and one at a time. */
const ALONE = ['test/torture.test.ts', 'test/torture-broken.test.ts']

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    globals: false,
    pool: 'forks',
    fileParallelism: true,
    testTimeout: 30_000,
    hookTimeout: 90_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['test/**/*.test.ts', 'src/**/*.test.ts'],
          exclude: ALONE,
          // Each file starts its own servers: more at once only makes every deadline tighter.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
