import { posix } from 'node:path'
import type { Rule } from './rule.ts'
import type { Tree, TreePackage, TreeSource } from './tree.ts'

/** The import law: what the packages of a layer may import of the workspace. */
const LAYERS: Readonly<Record<string, { readonly imports: readonly string[]; readonly because: string }>> = {
  foundation: { imports: [], because: 'what the foundation imports reaches everyone' },
  drivers: { imports: ['foundation'], because: 'a driver that knows leases is a service' },
  services: {
    imports: ['foundation'],
    because: 'a service that knows Linux or etcd cannot be tested in a second'
  },
  backends: {
    imports: ['foundation', 'services'],
    because: 'a backend is a pure function; what two of them share goes down to a service'
  },
  sdk: { imports: ['foundation'], because: 'what others install brings nothing of the product along' },
  apps: {
    imports: ['foundation', 'drivers', 'services', 'backends', 'sdk', 'testing'],
    because: 'programs meet at the socket, not in code'
  },
  testing: { imports: ['foundation'], because: 'a suite that needs the product cannot test its parts' }
}

/** Inside the foundation: downward only. None of those that are not named here knows another. */
const FOUNDATION_ORDER = ['foundation/ip', 'foundation/contracts']

/** Single packages that a layer or package may import besides. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  'testing/testbed': ['drivers/kernel-linux'],
  'testing/cni-conformance': ['testing/testbed']
}

/** What any package's own test/ may import besides; a test that needs two real parts belongs in test/. */
const ALSO_IN_TESTS = ['drivers/kernel-memory', 'drivers/store-file']

export const LAYER_RULE: Rule = {
  name: 'layers',
  because: 'packages/ is layers; docs/architecture.md has the law',
  check: (tree) =>
    workspaceImports(tree).flatMap(({ source, from, target, line }) => {
      if (from === undefined || mayImport(from, target, source.shipped)) return []
      const reason = LAYERS[from.group]?.because ?? `there is no layer "${from.group}"`
      return [`${source.path}:${line}: ${from.id} imports ${target.id}: ${reason}`]
    })
}

function mayImport(from: TreePackage, target: TreePackage, shipped: boolean): boolean {
  if (from.id === target.id) return !shipped
  if (ALSO[from.id]?.includes(target.id)) return true
  if (!shipped && (target.group === 'testing' || ALSO_IN_TESTS.includes(target.id))) return true
  if (from.group === 'foundation' && target.group === 'foundation') return rank(target) < rank(from)
  return LAYERS[from.group]?.imports.includes(target.group) ?? false
}

function rank({ id }: TreePackage): number {
  const at = FOUNDATION_ORDER.indexOf(id)
  return at === -1 ? FOUNDATION_ORDER.length : at
}

export const DEEP_IMPORT_RULE: Rule = {
  name: 'deep-imports',
  because: "a package is its index.ts; what that does not export is the package's own business",
  check: (tree) =>
    tree.sources.flatMap((source) =>
      source.imports.flatMap(({ specifier, line }) => {
        const problem = deepImport(tree, source, specifier)
        return problem === undefined ? [] : [`${source.path}:${line}: ${problem}`]
      })
    )
}

function deepImport(tree: Tree, source: TreeSource, specifier: string): string | undefined {
  if (specifier.startsWith('@trilane/')) {
    return specifier.split('/').length > 2 ? `imports ${specifier}` : undefined
  }
  if (!specifier.startsWith('.')) return undefined
  const target = posix.join(posix.dirname(source.path), specifier)
  const owner = tree.packages.find(({ folder }) => target.startsWith(`${folder}/`))
  if (owner !== undefined)
    return owner === source.package ? undefined : `reaches into ${owner.id} by ${specifier}`
  return source.package === undefined ? undefined : `leaves its package by ${specifier}`
}

/** Every import of one workspace package by another or by itself. */
export function workspaceImports(tree: Tree) {
  const byName = new Map(tree.packages.map((entry) => [entry.name, entry]))
  return tree.sources.flatMap((source) =>
    source.imports.flatMap(({ specifier, line }) => {
      const target = byName.get(packageNameOf(specifier))
      return target === undefined ? [] : [{ source, from: source.package, target, line }]
    })
  )
}

/** `@trilane/ip/src/x` → `@trilane/ip`, `zod/v4` → `zod`. */
export function packageNameOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
