import type { SubnetStore } from '@trilane/contracts'
import { expect, it } from 'vitest'
import { countedStore } from '../src/counted-store.ts'

it('passes every request on, and counts those that fail', async () => {
  const calls: string[] = []
  let failing = false
  const handler: ProxyHandler<object> = {
    get: (_, name) =>
      name === 'description'
        ? 'a store'
        : async (...args: unknown[]) => {
            calls.push(`${String(name)} ${args.length}`)
            if (failing) throw new Error('away')
            return name
          }
  }
  let failures = 0
  const store = countedStore(new Proxy({}, handler) as SubnetStore, () => {
    failures += 1
  })
  const lease = {} as Parameters<SubnetStore['create']>[0]
  const stored = {} as Parameters<SubnetStore['update']>[0]
  const requests = (): [string, Promise<unknown>][] => [
    ['readConfig', store.readConfig()],
    ['writeConfig', store.writeConfig('', 0)],
    ['list', store.list()],
    ['create', store.create(lease, 1)],
    ['update', store.update(stored, lease, 1)],
    ['remove', store.remove(stored)]
  ]
  for (const [name, request] of requests()) expect(await request).toBe(name)
  expect(calls).toEqual(['readConfig 0', 'writeConfig 2', 'list 0', 'create 2', 'update 3', 'remove 1'])
  expect(failures).toBe(0)
  failing = true
  for (const [, request] of requests()) await expect(request).rejects.toThrow('away')
  expect(failures).toBe(6)
  expect(store.description).toBe('a store')
})
