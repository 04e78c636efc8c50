import type { Scenario, Section } from '../scenario.ts'
import { ADD } from './add.ts'
import { ADD_CONFIGS } from './add-configs.ts'
import { ADD_CONFLICTS } from './add-conflicts.ts'
import { ADDRESSES } from './addresses.ts'
import { ADDRESS_FAULTS } from './addresses-faults.ts'
import { CHAINING } from './chaining.ts'
import { CHECK } from './check.ts'
import { CONFIG } from './config.ts'
import { DEL } from './del.ts'
import { DELEGATION } from './delegation.ts'
import { ENVIRONMENT } from './environment.ts'
import { GC, STATUS } from './gc-status.ts'
import { NAMESPACES } from './namespaces.ts'
import { ROBUSTNESS } from './robustness.ts'
import { UNDERLAY } from './underlay.ts'

const numberOf = ({ id }: Scenario): number => Number(id.slice(1))

const ALL = [
  ...[ENVIRONMENT, CONFIG, NAMESPACES, ROBUSTNESS],
  ...[ADD, ADD_CONFLICTS, ADD_CONFIGS, ADDRESSES, ADDRESS_FAULTS],
  ...[DEL, CHECK, GC, STATUS, DELEGATION, UNDERLAY, CHAINING]
]
  .flat()
  .sort((a, b) => numberOf(a) - numberOf(b))

/** Titles, and the number of the last scenario. */
const PARTS: readonly (readonly [string, number])[] = [
  ['Protocol, environment, validation', 49],
  ['ADD with a bridge', 89],
  ['Addresses', 113],
  ['DEL', 132],
  ['CHECK', 144],
  ['GC', 154],
  ['STATUS', 162],
  ['An IPAM plugin of somebody else', 173],
  ['macvlan and ipvlan', 193],
  ['Lists, capabilities, habits of runtimes', 206]
]

/** All scenarios, in order of their numbers. */
export const SECTIONS: readonly Section[] = PARTS.map(([title, last], index) => {
  const before = PARTS[index - 1]?.[1] ?? 0
  return { title, scenarios: ALL.filter((each) => numberOf(each) > before && numberOf(each) <= last) }
})
