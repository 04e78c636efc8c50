import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { type SourceText, sourceText } from './source-text.ts'

/** A file of the checkout. */
export interface TreeFile {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
}

/** A workspace package. */
export interface TreePackage {
  /** `drivers/kernel-linux`. */
  readonly id: string
  /** Its folder below packages/: the layer. */
  readonly group: string
  readonly folder: string
  /** `@trilane/kernel-linux`. */
  readonly name: string
  readonly description: string
  readonly dependencies: readonly string[]
  readonly devDependencies: readonly string[]
  /** Folders of the projects that its tsconfig.json refers to. */
  readonly references: readonly string[]
}

/** A TypeScript file with what the rules ask of it. */
export interface TreeSource extends TreeFile, SourceText {
  /** `undefined` outside packages/. */
  readonly package: TreePackage | undefined
  /** Below the package's src/: what is shipped. Everything else is a test. */
  readonly shipped: boolean
}

export interface Tree {
  readonly files: readonly TreeFile[]
  readonly packages: readonly TreePackage[]
  readonly sources: readonly TreeSource[]
  /** Paths of files and folders. */
  readonly paths: ReadonlySet<string>
}

export function treeOf(files: readonly TreeFile[]): Tree {
  const packages = files.flatMap((file) => packageOf(file, files))
  const sources = files
    .filter(({ path }) => path.endsWith('.ts'))
    .map((file) => {
      const owner = packages.find(({ folder }) => file.path.startsWith(`${folder}/`))
      const shipped = owner !== undefined && file.path.startsWith(`${owner.folder}/src/`)
      return { ...file, ...sourceText(file.text), package: owner, shipped }
    })
  const paths = new Set(['.'])
  for (const { path } of files) {
    for (let at = path; at !== '.'; at = posix.dirname(at)) paths.add(at)
  }
  return { files, packages, sources, paths }
}

/** Name to version. */
type Versions = Readonly<Record<string, string>>

interface Manifest {
  readonly name?: string
  readonly description?: string
  readonly dependencies?: Versions
  readonly devDependencies?: Versions
}

export function manifestOf(file: TreeFile | undefined): Manifest {
  return file === undefined ? {} : (JSON.parse(file.text) as Manifest)
}

/** Folders that a tsconfig.json refers to. */
export function referencesOf(file: TreeFile | undefined): string[] {
  if (file === undefined) return []
  const { references = [] } = JSON.parse(file.text) as { references?: { path: string }[] }
  return references.map(({ path }) => posix.join(posix.dirname(file.path), path))
}

function packageOf(file: TreeFile, files: readonly TreeFile[]): TreePackage[] {
  const [, id, group] = /^packages\/(([^/]+)\/[^/]+)\/package\.json$/.exec(file.path) ?? []
  if (id === undefined || group === undefined) return []
  const folder = `packages/${id}`
  const manifest = manifestOf(file)
  return [
    {
      id,
      group,
      folder,
      name: manifest.name ?? '',
      description: manifest.description ?? '',
      dependencies: Object.keys(manifest.dependencies ?? {}),
      devDependencies: Object.keys(manifest.devDependencies ?? {}),
      references: referencesOf(files.find(({ path }) => path === `${folder}/tsconfig.json`))
    }
  ]
}

/** Not part of the sources, whatever is in them: see .gitignore. */
const IGNORED = new Set(['.git', 'node_modules', 'dist', '.build', 'coverage'])

/** The checkout's files below `folder`. */
export function readTree(root: string, folder = '.'): TreeFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name)
    if (IGNORED.has(entry.name)) return []
    if (entry.isDirectory()) return readTree(root, path)
    return entry.isFile() ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : []
  })
}
