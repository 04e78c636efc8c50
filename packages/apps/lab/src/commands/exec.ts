import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { Testbed } from '@trilane/testbed'
import { labDirectory } from '../lab-directory.ts'

/** The checkout's launcher, so that `trilane …` works inside as it does outside. */
const CHECKOUT = new URL('..', import.meta.url).pathname

/**
 * `lab exec WHERE -- COMMAND…`: a program inside `node1`, `node1/pod1` or `outside`, with this terminal.
 *
 * Only the network is the place's own. `trilane` finds the node's daemon by TRILANE_SOCKET_PATH.
 *
 * @returns the program's exit status; 128 + n when signal n ended it
 */
export async function labExec(
  where: string,
  argv: readonly string[],
  { name }: { readonly name: string }
): Promise<number> {
  if (argv.length === 0) {
    throw TrilaneError.of('TRI_USAGE', { problem: 'no command; put it after --', command: 'lab exec' })
  }
  const bed = Testbed.open(name, labDirectory(name))
  const place = bed.place(where.replace('/', '.'))
  const node = bed.place(where.split('/')[0] ?? where)
  const [file = '', ...rest] = place.enter(argv)
  const child = spawn(file, rest, {
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${CHECKOUT}:${process.env.PATH ?? ''}`,
      TRILANE_SOCKET_PATH: join(dirname(node.directory), node.name, 'run', 'api.sock')
    }
  })
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        TrilaneError.of('TRI_COMMAND_FAILED', { command: argv.join(' '), status: cause.message }, { cause })
      )
    )
    child.once('exit', (status, signal) =>
      resolve(status ?? (signal === null ? 1 : 128 + signalNumber(signal)))
    )
  })
}

function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal]
}
