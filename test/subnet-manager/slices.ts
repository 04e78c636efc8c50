import { parseNetworkConfig } from '@trilane/config'
import { type NetworkConfig, TrilaneError } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import type { LeaseManager } from '@trilane/subnet-manager'
import { expect } from 'vitest'

/** Sixteen slices; the first is left out by default, one is excluded, half of another is, and one is kept for a machine. */
const CONFIG = `
Network: 192.168.77.0/24
SubnetLen: 28
Exclude: [192.168.77.240/28, 192.168.77.100-192.168.77.111]
Backend: { Type: macvlan }
`
const NODES = 40
const SLICES = 16
const LEASABLE = SLICES - 3

const nodeAddress = (n: number): { v4: IpAddress } => ({ v4: IpAddress.parse(`192.168.77.${n + 1}`) })

/**
 * Forty nodes ask at once for slices of a network that has thirteen.
 *
 * @param open a manager with a store of its own, all of them on one place
 */
export async function expectSlices(
  open: (machineId: string, network: NetworkConfig) => LeaseManager
): Promise<void> {
  const network = parseNetworkConfig(CONFIG, { source: 'test' })
  const keeper = open('keeper', network)
  await keeper.reserve({
    subnets: { v4: Prefix.parse('192.168.77.32/28') },
    publicAddresses: { v4: IpAddress.parse('192.168.77.250') },
    backendType: '',
    backendData: {}
  })
  const nodes = Array.from({ length: NODES }, (_, n) => open(`machine-${n}`, network))
  const outcomes = await Promise.allSettled(
    nodes.map((each, n) =>
      each.acquire({ publicAddresses: nodeAddress(n), backendType: 'macvlan', backendData: {} })
    )
  )
  const slices = outcomes.flatMap((each) =>
    each.status === 'fulfilled' ? [`${each.value.lease.subnets.v4}`] : []
  )
  expect(slices).toHaveLength(LEASABLE)
  expect(new Set(slices).size).toBe(LEASABLE)
  // The half that is not excluded is a slice like others.
  expect(slices).toContain('192.168.77.96/28')
  for (const not of ['192.168.77.0/28', '192.168.77.32/28', '192.168.77.240/28']) {
    expect(slices).not.toContain(not)
  }

  const reasons = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  expect(reasons).toHaveLength(NODES - LEASABLE)
  for (const reason of reasons) {
    expect(TrilaneError.is(reason, 'TRI_SUBNETS_EXHAUSTED')).toBe(true)
    expect(reason.message).toMatch(
      /^192\.168\.77\.0\/24 has no free \/28: 13 leased \(.*machine-\d+.* and 8 more\), 1 reserved \(192\.168\.77\.250\), 1 excluded$/
    )
  }
}
