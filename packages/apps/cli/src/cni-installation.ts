import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { writeFileAtomic } from '@trilane/state-files'

/** What every runtime looks up in its directory of plugins: the `type` of a config. */
const PLUGIN = 'trilane'

const EXECUTABLE = 0o755
const READABLE = 0o644

/** Runtimes take every file that ends so for a config. */
const CONFIG_ENDINGS = ['.conflist', '.conf', '.json']

export interface CniDirectories {
  readonly binDirectory: string
  readonly confDirectory: string
  /** Name of our file in the latter. */
  readonly confName: string
}

/** What was done, and what somebody should know. */
export interface CniInstallation {
  readonly files: readonly string[]
  readonly notes: readonly string[]
}

/**
 * Puts the plugin and its config in place, so that a runtime that looks at any moment finds all of it or nothing: the plugin
 * first; each under another name in the same directory, synced, renamed. A file that is renamed into place from elsewhere,
 * or a symbolic link, is not noticed by containerd.
 *
 * @throws TrilaneError `TRI_FILE`, also for a config of that name that is not ours
 */
export async function installCni(
  directories: CniDirectories,
  parts: { readonly plugin: Uint8Array; readonly conflist: string }
): Promise<CniInstallation> {
  const { binDirectory, confDirectory, confName } = directories
  const [binPath, confPath] = [join(binDirectory, PLUGIN), join(confDirectory, confName)]
  refuseForeign(confPath)
  await writeFileAtomic(binPath, parts.plugin, { modeOctal: EXECUTABLE })
  await writeFileAtomic(confPath, parts.conflist, { modeOctal: READABLE })
  stamp(confDirectory)
  return { files: [binPath, confPath], notes: notesOf(directories, parts.conflist) }
}

/**
 * Takes both away, the config first. What is not there is no error; a config that is not ours stays.
 *
 * @throws TrilaneError `TRI_FILE`
 */
export function uninstallCni({ binDirectory, confDirectory, confName }: CniDirectories): CniInstallation {
  const [binPath, confPath] = [join(binDirectory, PLUGIN), join(confDirectory, confName)]
  refuseForeign(confPath)
  const files = [confPath, binPath].filter((path) => {
    const isThere = exists(path)
    remove(path)
    return isThere
  })
  if (files.includes(confPath)) stamp(confDirectory)
  return { files, notes: [] }
}

/** Any write or removal makes containerd read its configs again; a rename alone is missed by newer releases. */
function stamp(directory: string): void {
  const path = join(directory, `.${PLUGIN}.stamp`)
  try {
    writeFileSync(path, '')
    rmSync(path)
    const file = openSync(directory, 'r')
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw fileError('write', path, error)
  }
}

/** What the installation alone does not settle. */
function notesOf({ binDirectory, confDirectory, confName }: CniDirectories, conflist: string): string[] {
  const first = readdirSync(confDirectory)
    .filter((name) => CONFIG_ENDINGS.some((ending) => name.endsWith(ending)))
    .sort()[0]
  const notes =
    first === undefined || first === confName
      ? []
      : [
          `${join(confDirectory, first)} sorts before it: runtimes that use the first config go on using that one`
        ]
  const missing = typesIn(conflist).filter((type) => !exists(join(binDirectory, type)))
  return [
    ...notes,
    ...missing.map((type) => `${join(binDirectory, type)} is missing: the config names that plugin`)
  ]
}

function refuseForeign(path: string): void {
  if (exists(path) && !typesIn(readText(path)).includes(PLUGIN)) {
    throw fileError('replace', path, new Error('it is the config of another plugin'))
  }
}

/** The plugins that a config names; none for what is no config. */
function typesIn(text: string): readonly string[] {
  try {
    const { plugins = [] } = JSON.parse(text) as { readonly plugins?: readonly { readonly type?: string }[] }
    return plugins.flatMap(({ type }) => type ?? [])
  } catch {
    return []
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw fileError('read', path, error)
  }
}

function exists(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw fileError('read', path, error)
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch (error) {
    throw fileError('remove', path, error)
  }
}

function fileError(operation: string, path: string, cause: unknown): TrilaneError {
  const problem = cause instanceof Error ? cause.message : String(cause)
  return TrilaneError.of('TRI_FILE', { operation, path, problem }, { cause })
}
