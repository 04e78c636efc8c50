import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { TrilaneError } from '@trilane/contracts'
import { readTextFile } from '@trilane/terminal'
import { type CniInstallation, installCni, uninstallCni } from '../cni-installation.ts'

export interface CniOptions {
  readonly binDir: string
  readonly confDir: string
  readonly confName: string
  /** Instead of the one that comes with Trilane. */
  readonly conflist?: string
  readonly json?: boolean
}

/** Beside the built program: `dist/trilane-cni` and `configs/cni/`. */
const PLUGIN = fileURLToPath(new URL('trilane-cni', import.meta.url))
const CONFLIST = fileURLToPath(new URL('../configs/cni/10-trilane.conflist', import.meta.url))

/** `trilane cni install`. */
export async function installPlugin(options: CniOptions): Promise<void> {
  const parts = { plugin: await readPlugin(), conflist: await readTextFile(options.conflist ?? CONFLIST) }
  tell(await installCni(directoriesOf(options), parts), 'installed', options)
}

/** `trilane cni uninstall`. */
export async function uninstallPlugin(options: CniOptions): Promise<void> {
  tell(uninstallCni(directoriesOf(options)), 'removed', options)
}

function directoriesOf({ binDir, confDir, confName }: CniOptions) {
  return { binDirectory: binDir, confDirectory: confDir, confName }
}

async function readPlugin(): Promise<Uint8Array> {
  try {
    return await readFile(PLUGIN)
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw TrilaneError.of('TRI_FILE', { operation: 'read', path: PLUGIN, problem }, { cause })
  }
}

function tell(done: CniInstallation, verb: string, { json }: CniOptions): void {
  if (json === true) {
    process.stdout.write(`${JSON.stringify(done, null, 2)}\n`)
    return
  }
  for (const file of done.files) process.stdout.write(`${verb} ${file}\n`)
  for (const note of done.notes) process.stderr.write(`note: ${note}\n`)
}
