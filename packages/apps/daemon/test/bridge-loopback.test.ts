import { EMPTY_KERNEL_STATE, type KernelState } from '@trilane/contracts'
import { expect, it } from 'vitest'
import { BridgeLoopback } from '../src/bridge-loopback.ts'

const key = (device: string) => `net/ipv4/conf/${device}/route_localnet`

it('knows the bridges that are open, by itself and by others, and keeps all that it opened', async () => {
  const wished: KernelState[] = []
  const values: Record<string, string> = { [key('cni0')]: '0', [key('cni-b')]: '1' }
  const loopback = new BridgeLoopback({
    kernel: {
      read: async ({ sysctls = [] }) => ({
        ...EMPTY_KERNEL_STATE,
        links: [],
        addresses: [],
        sysctls: sysctls.flatMap((name) =>
          values[name] === undefined ? [] : [{ key: name, value: values[name] }]
        )
      })
    },
    wish: (state) => wished.push(state)
  })
  expect(await loopback.openAmong(['cni0', 'cni-b', 'cni-gone'])).toEqual(['cni-b'])
  loopback.open(['cni0'])
  loopback.open(['cni0'])
  loopback.open(['cni-b'])
  expect(await loopback.openAmong(['cni0', 'cni-b', 'cni-gone'])).toEqual(['cni0', 'cni-b'])
  expect(wished.map(({ sysctls }) => sysctls.map((sysctl) => sysctl.key))).toEqual([
    [key('cni0')],
    [key('cni0'), key('cni-b')]
  ])
})
