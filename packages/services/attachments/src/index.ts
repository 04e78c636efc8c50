/**
 * A pod's record, addresses and link kept together: all of them or none, also across a crash.
 *
 * @packageDocumentation
 */
export { Attachments } from './attachments.ts'
export type { KnownPod } from './foreign-pods.ts'
