import { defineConfig } from 'vitest/config'
import { filesForGuest } from '../../scripts/guest-files.mjs'

const root = new URL('../..', import.meta.url).pathname

/** How long what is waited for may take before it counts as lost: a busy machine is no defect. vitest's own is 1 s. */
const expectation = { poll: { timeout: 10_000 } }

const guestFiles = await filesThatNeedAnotherKernel()

/**
 * unit: one package at a time, fast. system: several real parts together, in namespaces; one file after
 * another, because files measure time. guest: those of them that the running kernel cannot run;
 * scripts/guest-tests.mjs runs them in another. The benches are programs of their own: scripts/bench.mjs.
 */
export default defineConfig({
  test: {
    root,
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
          exclude: ['test/architecture/**', '**/node_modules/**', ...guestFiles],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: expectation
        }
      },
      {
        test: {
          name: 'guest',
          include: guestFiles,
          fileParallelism: false,
          // Everything is several times slower there. One process for all files: its start alone takes seconds.
          isolate: false,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          expect: { poll: { timeout: 30_000 } }
        }
      }
    ]
  }
})

/** In the guest, which has all link types, they are those that the outer kernel could not run. */
async function filesThatNeedAnotherKernel(): Promise<string[]> {
  const given = process.env.TRILANE_GUEST_FILES
  if (given !== undefined) return given.split('\n')
  try {
    return await filesForGuest()
  } catch {
    // No root, no iproute2: enough for unit tests. A system test says itself what it misses.
    return []
  }
}
