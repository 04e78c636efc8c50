/**
 * The {@link Kernel} port in memory, as faithful to Linux as the port's suite asks: for tests, and for `trilane plan`.
 *
 * Begin with {@link memoryNode}. `toString()` gives the state as `ip` commands, `faults` makes it misbehave,
 * `machine` has the namespaces that pods live in.
 *
 * @packageDocumentation
 */
export { type ChangeMatch, Faults } from './faults.ts'
export { MemoryMachine } from './machine.ts'
export { MemoryFirewall, MemoryRules } from './memory-firewall.ts'
export { MemoryKernel } from './memory-kernel.ts'
export { type MemoryNodeSetup, memoryNode } from './node.ts'
export type { Errno } from './refusal.ts'
