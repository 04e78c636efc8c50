import { FakeClock } from './fake-clock.ts'
import { claim, lease, manager, recorder, TTL_MS } from './fixtures.ts'
import { MemoryStore } from './memory-store.ts'

export async function setUp(more: Parameters<typeof manager>[3] = {}) {
  const clock = new FakeClock()
  const store = new MemoryStore(clock)
  store.put(lease('10.5.2.0/24', '192.0.2.2', 'b'), TTL_MS)
  const node = manager(store, clock, 'a', more)
  const own = await node.acquire(claim('192.0.2.1'))
  const { told, listen } = recorder()
  return { clock, store, node, own, told, listen }
}

/** Until a lease that was removed is given up: its node may live, and write it again. */
export const MOMENT_MS = 2_000

export async function following(more: Parameters<typeof manager>[3] = {}) {
  const all = await setUp(more)
  await all.node.follow(all.listen)
  all.told.length = 0
  return all
}
