import { defineConfig } from 'vitest/config'

/** How long what is waited for may take before it counts as lost: a busy machine is no defect. vitest's own is 1 s. */
const expectation = { poll: { timeout: 10_000 } }

/**
 * unit: one package at a time, fast. system: several real parts together, in namespaces; one file after
 * another, because files measure time. The benches are programs of their own: scripts/bench.mjs.
 */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/*/test/**/*.test.ts', 'test/architecture/**/*.test.ts'],
          testTimeout: 20_000,
          expect: expectation
        }
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/architecture/**', '**/node_modules/**'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: expectation
        }
      }
    ]
  }
})
