import type { Backend, Kernel, NodeFacts } from '@trilane/contracts'
import type { SuiteFixture } from '../suite.ts'

type RawOptions = Readonly<Record<string, unknown>>

/** How a backend takes part. */
export interface BackendFixture extends SuiteFixture {
  readonly backend: Backend
  /** Options as people write them, all valid. The first are the defaults: what is said of MTUs holds for them. */
  readonly goodOptions: readonly [RawOptions, ...RawOptions[]]
  /** Wrong options, at least one for each name in `optionNames`, each with the path that the error names. */
  readonly badOptions: readonly { readonly raw: RawOptions; readonly path: string }[]
  /**
   * A fresh kernel that has the facts' uplink, up and with its addresses, their parent if that is another device, and
   * nothing else. Without it nothing is
   * written anywhere, and the verb `kernel` is left out.
   */
  readonly kernel?: (facts: NodeFacts) => Kernel | Promise<Kernel>
}
