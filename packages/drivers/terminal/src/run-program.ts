import { TrilaneError } from '@trilane/contracts'

/** What went wrong with the command line itself; the argument parser has printed it. */
const EXIT_USAGE = 2

/**
 * The body of a program: runs it and turns what it throws into words on stderr and an exit status
 * (0 success, 1 failure, 2 wrong usage or config). Never rejects.
 *
 * A stack trace is shown for defects of ours only.
 */
export async function runProgram(body: () => Promise<unknown>): Promise<void> {
  try {
    await body()
  } catch (error) {
    const parserStatus = statusOfParser(error)
    if (parserStatus !== undefined) {
      process.exitCode = parserStatus
      return
    }
    const problem = TrilaneError.from(error)
    const stack =
      problem.code === 'TRI_INTERNAL' && problem.cause instanceof Error ? `${problem.cause.stack}\n` : ''
    process.stderr.write(`${problem.format()}\n${stack}`)
    process.exitCode = problem.row.exitStatus
  }
}

/** commander ends by throwing (`exitOverride`): 0 after help or version, else the words were wrong. */
function statusOfParser(error: unknown): 0 | 2 | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('exitCode' in error)) return undefined
  if (!String(error.code).startsWith('commander.')) return undefined
  return error.exitCode === 0 ? 0 : EXIT_USAGE
}
