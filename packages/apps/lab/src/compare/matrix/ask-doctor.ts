import { TrilaneError } from '@trilane/contracts'
import { DAEMON_PROGRAM } from '../../node-daemon.ts'
import { PATIENCE } from '../../patience.ts'
import { addressTexts } from '../../plan.ts'
import type { MatrixLab } from './matrix-lab.ts'
import type { DoctorAnswer } from './reasons.ts'

/** It takes 5 to 10 s. */
const LONGEST_MS = 30_000 * PATIENCE

/** `trilane doctor` on the lab's first node: it is told who should answer, and addresses of nobody where the config knows none. */
export async function askDoctor({ lab, configPath, nobodys }: MatrixLab): Promise<DoctorAnswer> {
  const [node] = lab.nodes
  if (node === undefined) throw new RangeError('there is no node')
  const flags = [
    `--config=${configPath}`,
    `--machine-id=${node.status.machineId}`,
    '--iface=eth0',
    ...addressTexts(lab.plan.outside).map((address) => `--ask=${address}`),
    ...nobodys.map((address) => `--source=${address}`)
  ]
  const argv = [process.execPath, DAEMON_PROGRAM, 'doctor', '--json', ...flags]
  // Exit status 1 says that the configured backend cannot work here, which is an answer.
  const { stdout, stderr, status } = await node.place.run(argv, { anyStatus: true, timeoutMs: LONGEST_MS })
  if (stdout === '') {
    const values = { command: argv.join(' '), status: `exit status ${status}` }
    throw TrilaneError.of('TRI_COMMAND_FAILED', values, { details: stderr.trim() })
  }
  return JSON.parse(stdout) as DoctorAnswer
}
