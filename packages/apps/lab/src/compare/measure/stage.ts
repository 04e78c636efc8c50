import { Testbed } from '@trilane/testbed'
import { allOf } from '../../all-of.ts'
import type { ModeRun } from '../modes.ts'
import { baselineSubjects, modeSubject } from './build-subjects.ts'
import { PodProbe } from './pod-probe.ts'
import type { ModeSubject, Subject } from './subject.ts'

/** A mode that is up, and what plugs pods in there. */
export interface StagedMode {
  readonly subject: ModeSubject
  readonly pods: PodProbe
}

/** All that is measured, up at once and idle but for the one that is being measured. */
export class Stage {
  readonly baselines: readonly Subject[]
  readonly modes: readonly StagedMode[]
  readonly #beds: readonly Testbed[]

  private constructor(beds: readonly Testbed[], baselines: readonly Subject[], modes: readonly StagedMode[]) {
    this.#beds = beds
    this.baselines = baselines
    this.modes = modes
  }

  /** @throws TrilaneError of whatever could not be built; then nothing of it is left */
  static async build(runs: readonly ModeRun[]): Promise<Stage> {
    const beds: Testbed[] = []
    const bed = async (name: string): Promise<Testbed> => {
      // Letters, digits and dashes, 20 of them at most.
      const made = await Testbed.create({ name: `compare-${name.replace(/[^a-z0-9]+/g, '-')}`.slice(0, 20) })
      beds.push(made)
      return made
    }
    try {
      const baselines = await baselineSubjects(await bed('baseline'))
      const modes = await allOf(
        runs.map(async (run) => {
          const own = await bed(run.id)
          const subject = await modeSubject(own, run)
          return { subject, pods: await PodProbe.create(own, subject) }
        })
      )
      return new Stage(beds, baselines, modes)
    } catch (error) {
      await disposeAll(beds)
      throw error
    }
  }

  get subjects(): readonly Subject[] {
    return [...this.baselines, ...this.modes.map(({ subject }) => subject)]
  }

  [Symbol.asyncDispose](): Promise<void> {
    return disposeAll(this.#beds)
  }
}

async function disposeAll(beds: readonly Testbed[]): Promise<void> {
  await Promise.all(beds.map((bed) => bed.dispose()))
}
