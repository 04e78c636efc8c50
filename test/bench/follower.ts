import { setImmediate as breathe } from 'node:timers/promises'
import { type Kernel, type KernelState, SILENT_LOGGER } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { type PassReport, Reconciler, type SweepScope } from '@trilane/reconcile'
import { expectFigure } from './figures.ts'
import { CLOCK, NODE } from './node.ts'

/** All leases are listed. */
export const SWEEP: SweepScope = {
  networks: new Map([[NODE.network.name, valuesOf(NODE.network.families).map(({ network }) => network)]])
}

/** As in the daemon: whoever writes also follows the kernel. */
export class Follower {
  readonly reconciler: Reconciler
  readonly #close: () => void

  constructor(kernel: Kernel) {
    this.reconciler = new Reconciler({ kernel, logger: SILENT_LOGGER, clock: CLOCK, breathe })
    const watch = kernel.watch((event) => {
      if (this.reconciler.disturbs(event)) {
        expectFigure(`an event of our own disturbs: ${JSON.stringify(event)}`, false)
      }
    })
    this.#close = () => watch.close()
  }

  /** @throws TrilaneError the first of what could not be written */
  async pass(): Promise<PassReport> {
    return succeeded(await this.reconciler.pass({ sweep: SWEEP }))
  }

  /** @throws TrilaneError the first of what could not be written */
  async write(slot: string, state: KernelState): Promise<PassReport> {
    this.reconciler.wish(new Map([[slot, state]]))
    return succeeded(await this.reconciler.flush())
  }

  close(): void {
    this.#close()
  }
}

function succeeded(report: PassReport): PassReport {
  const [failure] = report.failures
  if (failure !== undefined) throw failure.error
  return report
}
