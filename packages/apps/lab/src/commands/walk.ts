import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inkFor } from '@trilane/terminal'
import { modeRuns } from '../compare/modes.ts'
import { walkModes } from '../compare/walk/walk-modes.ts'
import { walkText } from '../compare/walk/walk-text.ts'

export interface WalkOptions {
  readonly backends: string
  readonly json?: boolean
  readonly pcap?: string
}

/** `lab walk`: what the wire sees, hop by hop, beside what the tables predict. @returns 1 unless all are equal */
export async function labWalk({ backends, json, pcap }: WalkOptions): Promise<number> {
  const modes = modeRuns(backends)
  if (pcap !== undefined) await mkdir(pcap, { recursive: true })
  const { walks, leftOut, pcaps } = await walkModes(modes, 'flat', (step) => {
    process.stderr.write(`${step} …\n`)
  })
  if (pcap !== undefined) {
    for (const [name, bytes] of pcaps) await writeFile(join(pcap, name), bytes)
  }
  if (json === true) process.stdout.write(`${JSON.stringify({ walks, leftOut }, null, 2)}\n`)
  else {
    const ink = inkFor(process.stdout)
    process.stdout.write(`${walks.map((walk) => walkText(walk, ink)).join('\n\n')}\n`)
    for (const sentence of leftOut) process.stdout.write(`\nleft out: ${sentence}\n`)
  }
  return walks.every(({ equal }) => equal) ? 0 : 1
}
