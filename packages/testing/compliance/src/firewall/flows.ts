import type { UdpFlows } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { expect } from 'vitest'
import { type FirewallTest, test } from './samples.ts'

const flow = (text: string, port: number): Required<UdpFlows> => {
  const address = IpAddress.parse(text)
  return { family: address.family, port, address }
}

const FLOWS = [
  flow('127.0.0.1', 5353),
  flow('127.0.0.2', 5353),
  flow('127.0.0.1', 5354),
  flow('::1', 5353)
] as const
const [FIRST, SECOND, OTHER_PORT, OTHER_FAMILY] = FLOWS

const textsOf = (flows: readonly Required<UdpFlows>[]): string[] =>
  flows.map(({ address, port }) => `${address} ${port}`).sort()

/** Promises about tracked flows of UDP. */
export const forgetFlowsTests: readonly FirewallTest[] = [
  ...(
    [
      ['of a port, to whatever address', [{ family: 'v4', port: 5353 }], [OTHER_PORT, OTHER_FAMILY]],
      ['of one address alone', [SECOND], [FIRST, OTHER_PORT, OTHER_FAMILY]],
      ['of both families at once', [OTHER_FAMILY, OTHER_PORT], [FIRST, SECOND]],
      ['of a port that nothing was sent to', [{ family: 'v6', port: 5354 }], FLOWS],
      ['of nothing', [], FLOWS]
    ] as const
  ).map(([what, wanted, left]) =>
    test(`forgets those ${what}, and no others`, async ({ firewall, foreign }) => {
      for (const each of FLOWS) await foreign.track(each)
      expect(textsOf(await foreign.tracked())).toEqual(textsOf(FLOWS))
      await firewall.forgetFlows(wanted)
      expect(textsOf(await foreign.tracked())).toEqual(textsOf(left))
    })
  )
]
