/** Where progress is told: a part of `process.stderr`. */
export interface ProgressStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface Progress {
  /** One step, as it begins: `figures: pods, round 3 of 9`. */
  tell(step: string): void
  /** Before anything else is written there. */
  end(): void
}

/** A line for each step; on a terminal a counter, `round 3 of 9`, rewrites its line. */
export function progressOn(stream: ProgressStream): Progress {
  if (stream.isTTY !== true) return { tell: (step) => void stream.write(`${step} …\n`), end: () => {} }
  let last: string | undefined
  const end = (): void => {
    if (last !== undefined) stream.write('\n')
    last = undefined
  }
  return {
    tell: (step) => {
      const subject = step.replace(/\d+ of \d+$/, '')
      if (last !== undefined && last !== subject) end()
      // To the line's start, and clear what is there.
      stream.write(`\r\x1b[K${step} …`)
      last = subject
    },
    end
  }
}
