import {
  type Kernel,
  type KernelChange,
  type KernelState,
  objectsOf,
  SILENT_LOGGER
} from '@trilane/contracts'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import { Reconciler, type SweepScope } from '../src/index.ts'
import { net, state, TestClock, wish } from './things.ts'

export const SWEEP: SweepScope = { networks: new Map([['default', [net('10.5.0.0/16')]]]) }

/** Every look at it is the last of a slice. */
class RestlessClock extends TestClock {
  override monotonicMs(): number {
    this.nowMs += 10
    return this.nowMs
  }
}

/** What stands between the reconciler and the kernel: it may take its time before and after it is read and written. */
function slowly(kernel: MemoryKernel, pause: () => Promise<void>): Pick<Kernel, 'read' | 'apply'> {
  return {
    async read(scope) {
      await pause()
      const snapshot = await kernel.read(scope)
      await pause()
      return snapshot
    },
    async apply(changes) {
      await pause()
      const outcomes = await kernel.apply(changes)
      await pause()
      return outcomes
    }
  }
}

/** A node as a daemon keeps it, with something to happen each time that the reconciler breathes. */
export class Restless {
  readonly kernel = memoryNode({ links: ['eth0 192.168.1.1/24'] })
  readonly reconciler: Reconciler
  /** An event said that a pass is needed. */
  disturbed = false
  breaths = 0
  atBreath: (breath: number) => unknown = () => {}

  constructor() {
    const breathe = async (): Promise<void> => {
      await this.atBreath(this.breaths++)
      // Events are told in a turn of their own.
      await Promise.resolve()
    }
    const kernel: Kernel = Object.assign(Object.create(this.kernel), slowly(this.kernel, breathe))
    this.reconciler = new Reconciler({ kernel, logger: SILENT_LOGGER, clock: new RestlessClock(), breathe })
    this.kernel.watch((event) => {
      if (this.reconciler.disturbs(event)) this.disturbed = true
    })
  }

  wish(slots: Record<string, KernelState | undefined>): void {
    wish(this.reconciler, slots)
  }

  /** By somebody else. */
  async meddle(...changes: KernelChange[]): Promise<void> {
    for (const { error } of await this.kernel.apply(changes)) if (error !== undefined) throw error
  }

  async remove(parts: Partial<KernelState>): Promise<void> {
    await this.meddle(
      ...objectsOf(state(parts)).map((object): KernelChange => ({ ...object, action: 'remove' }))
    )
  }

  pass(): ReturnType<Reconciler['pass']> {
    return this.reconciler.pass({ sweep: SWEEP })
  }

  /** What the daemon does until nothing is left to do: a flush for wishes, a pass for disturbances. */
  async settle(): Promise<void> {
    await this.reconciler.flush()
    for (let passes = 0; this.disturbed && passes < 10; passes++) {
      this.disturbed = false
      await this.pass()
    }
  }
}
