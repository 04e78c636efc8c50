import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { TrilaneError } from '@trilane/contracts'

/** Who this node is, whatever its addresses are. */
export interface NodeIdentity {
  readonly machineId: string
  readonly name: string
}

const MACHINE_ID_PATH = '/etc/machine-id'

/**
 * @param given what the configuration says instead of the machine
 * @throws TrilaneError `TRI_MACHINE_ID_MISSING`
 */
export async function readIdentity(given: {
  readonly machineId?: string | undefined
  readonly nodeName?: string | undefined
}): Promise<NodeIdentity> {
  return { machineId: given.machineId ?? (await readMachineId()), name: given.nodeName ?? hostname() }
}

async function readMachineId(): Promise<string> {
  let text: string
  try {
    text = (await readFile(MACHINE_ID_PATH, 'utf8')).trim()
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw TrilaneError.of('TRI_MACHINE_ID_MISSING', { path: MACHINE_ID_PATH, problem }, { cause })
  }
  // machine-id(5): 32 lower-case hex digits; "uninitialized" during the first boot.
  if (!/^[0-9a-f]{32}$/.test(text)) {
    throw TrilaneError.of('TRI_MACHINE_ID_MISSING', { path: MACHINE_ID_PATH, problem: `it says "${text}"` })
  }
  return text
}
