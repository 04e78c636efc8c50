import type { Kernel } from '@trilane/contracts'
import type { SuiteFixture } from '../suite.ts'

/** A kernel to test: two fresh network namespaces of one machine, each with nothing but `lo`, which is down. */
export interface KernelFixture extends SuiteFixture {
  readonly kernel: Kernel
  readonly other: { readonly path: string; readonly kernel: Kernel }
  /** The kinds of {@link LinkKind} that this machine's kernel can make, found by trying. */
  readonly linkTypes: ReadonlySet<string>
  /** How long an event, and what Linux does later by itself, may take. @default {@link EVENT_WAIT_MS} */
  readonly eventWaitMs?: number
}

export const EVENT_WAIT_MS = 2_000
