import { lackingOf, type Scenario, SECTIONS, type Target } from '@trilane/cni-conformance'
import { referenceIn } from './reference.ts'
import type { Verdict, Verdicts } from './report.ts'

/** Where Debian has them. */
export const REFERENCE_DIRECTORY = '/usr/lib/cni'

export interface Expectation extends Verdict {
  /** What may become of it as well, by the moment or by the kernel. */
  readonly orElse?: Verdict['result']
}

const LEAVES_LINK = 'it leaves the link of an ADD that failed behind'
const SHARED_CHAIN = 'both attachments share a chain of iptables, which the end of the first cannot remove'
const NOT_YET = 'later versions do'

/** Of bridge, macvlan, host-local, portmap and bandwidth 1.1.1. */
const FAILURES: Readonly<Record<string, string>> = {
  P16: `it collects what is missing first; ${NOT_YET}`,
  P20: 'it leaves it to the kernel, which makes a number of it, and fails in the middle',
  P34: 'it does the work there, and only then has an error',
  P41: 'errors have no version',
  P48: 'DEL fails on rules that the ADD did not come to',
  P56: 'a pod has 1500 whatever the uplink has',
  P61: LEAVES_LINK,
  P64: 'it reads none of these from a route',
  P66: LEAVES_LINK,
  P74: SHARED_CHAIN,
  P76: 'it leaves it to the kernel; the code is 999',
  P77: 'MACs are random',
  P78: 'MACs are random',
  P85: 'the code is 999, or a negative MTU is taken',
  P86: '`prevResult` is not looked at',
  P87: 'neighbours go on sending to the former MAC',
  P89: `it knows iptables alone; ${NOT_YET}`,
  P96: LEAVES_LINK,
  P97: 'addresses of pods that ended without DEL are lost',
  P103: LEAVES_LINK,
  P105: `bridge drops the dns of its IPAM plugin; ${NOT_YET}`,
  P107: 'DEL fails on rules that the ADD did not come to',
  P108: 'the addresses are lost, and nobody says so',
  P109: LEAVES_LINK,
  P112: 'addresses of pods that ended with the node are lost',
  P113: 'what was made under the other name stays',
  P116: 'the link stays',
  P117: 'the rules of masquerading stay',
  P119: 'it fails: `unknown FS magic`',
  P121: 'it fails to parse it',
  P122: 'host-local makes a directory for the network',
  P125: 'the rules stay',
  P126: 'address and rules stay',
  P130: 'it says that the address is free, which it is not',
  P137: 'it does not see that the node’s end is down',
  P138: 'it sees neither',
  P139: 'it does not see it',
  P141: 'it compares paths',
  P167: LEAVES_LINK,
  P168: LEAVES_LINK,
  P173: 'it waits for ever',
  P174: `it announces no IPv6 address; ${NOT_YET}`,
  P178: `DEL fails without a parent; ${NOT_YET}`,
  P179: `the error is \`Link not found\`; ${NOT_YET}`,
  P182: `it does not know the key; ${NOT_YET}`,
  P185: 'macvlan keeps a node from its own pods',
  P186: 'it does not see it',
  P192: `it fails: \`Link not found\`; ${NOT_YET}`,
  P193: 'it does not see it',
  P196: 'a mapping without a host port is an error',
  P199: 'a rate without a burst is an error, and the largest one is taken as it is'
}

/** By the moment at which something is killed or meets something else, by how busy the machine is, by the kernel. */
const OR_ELSE: Readonly<Record<string, Verdict['result']>> = {
  P48: 'passed',
  P58: 'failed',
  P83: 'not applicable',
  P107: 'passed',
  P129: 'failed',
  P131: 'failed'
}

/** What becomes of Debian 12’s reference plugins. */
export function expectedOf(): ReadonlyMap<Scenario['id'], Expectation> {
  const target = referenceIn(REFERENCE_DIRECTORY)
  const scenarios = SECTIONS.flatMap(({ scenarios: all }) => all)
  return new Map(
    scenarios.map((scenario): readonly [Scenario['id'], Expectation] => {
      const lacking = lackingOf(target, scenario)
      if (lacking !== undefined) return [scenario.id, { result: 'not applicable', reason: lacking }]
      const reason = FAILURES[scenario.id]
      const orElse = OR_ELSE[scenario.id]
      const more = orElse === undefined ? {} : { orElse }
      return [
        scenario.id,
        reason === undefined ? { result: 'passed', ...more } : { result: 'failed', reason, ...more }
      ]
    })
  )
}

/** What becomes of a plugin that fails nothing. */
export function flawless(target: Target): Verdicts {
  return new Map(
    SECTIONS.flatMap(({ scenarios }) => scenarios).map((scenario): readonly [Scenario['id'], Verdict] => {
      const lacking = lackingOf(target, scenario)
      return [
        scenario.id,
        lacking === undefined ? { result: 'passed' } : { result: 'not applicable', reason: lacking }
      ]
    })
  )
}
