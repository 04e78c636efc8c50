import { packageNameOf } from './layers.ts'
import type { Rule } from './rule.ts'
import { manifestOf, referencesOf, type Tree, type TreePackage } from './tree.ts'

/** Wanted by a dependency as a peer and imported by nobody: peer → who wants it. */
const PEERS: Readonly<Record<string, string>> = { 'reflect-metadata': 'inversify' }

export const DEPENDENCY_RULE: Rule = {
  name: 'dependencies',
  because: 'package.json tells what a package really needs, or nobody can say what a change reaches',
  check: (tree) => {
    const root = manifestOf(tree.files.find(({ path }) => path === 'package.json'))
    const tools = Object.keys(root.devDependencies ?? {})
    return tree.packages.flatMap((entry) => dependencyProblems(tree, entry, tools))
  }
}

function dependencyProblems(tree: Tree, entry: TreePackage, tools: readonly string[]): string[] {
  const { folder, dependencies, devDependencies } = entry
  const shipped = importedBy(tree, entry, true)
  const tested = importedBy(tree, entry, false)
  const declared = new Set([...dependencies, ...devDependencies, ...tools, entry.name])
  const isUnused = (name: string) => !shipped.has(name) && !shipped.has(PEERS[name] ?? '')
  return [
    ...[...shipped]
      .filter((name) => !dependencies.includes(name))
      .map((name) => `src imports ${name}, undeclared`),
    ...[...tested].filter((name) => !declared.has(name)).map((name) => `test imports ${name}, undeclared`),
    ...dependencies.filter(isUnused).map((name) => `src does not import its dependency ${name}`),
    ...devDependencies
      .filter((name) => !tested.has(name))
      .map((name) => `test does not import its devDependency ${name}`)
  ].map((problem) => `${folder}/package.json: ${problem}`)
}

function importedBy(tree: Tree, entry: TreePackage, shipped: boolean): Set<string> {
  const names = tree.sources
    .filter((source) => source.package === entry && source.shipped === shipped)
    .flatMap((source) => source.imports.map(({ specifier }) => specifier))
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map(packageNameOf)
  return new Set(names)
}

export const REFERENCE_RULE: Rule = {
  name: 'references',
  because: '`tsc -b` checks packages in the order of their references, and refuses rings',
  check: (tree) => {
    const folderOf = new Map(tree.packages.map(({ name, folder }) => [name, folder]))
    const all = tree.packages.map(({ folder }) => folder)
    const referencesOfFile = (file: string) => referencesOf(tree.files.find(({ path }) => path === file))
    return [
      ...tree.packages.flatMap(({ folder, dependencies, references }) =>
        differences(
          `${folder}/tsconfig.json`,
          references,
          dependencies.flatMap((name) => folderOf.get(name) ?? [])
        )
      ),
      ...differences('tsconfig.json', referencesOfFile('tsconfig.json'), [...all, 'test']),
      ...differences('test/tsconfig.json', referencesOfFile('test/tsconfig.json'), all)
    ]
  }
}

function differences(file: string, actual: readonly string[], wanted: readonly string[]): string[] {
  return [
    ...wanted
      .filter((folder) => !actual.includes(folder))
      .map((folder) => `${file}: no reference to ${folder}`),
    ...actual
      .filter((folder) => !wanted.includes(folder))
      .map((folder) => `${file}: a reference to ${folder} too many`)
  ]
}

export const PACKAGE_RULE: Rule = {
  name: 'packages',
  because: 'whoever opens a package sees at once what it is and what it offers',
  check: (tree) =>
    tree.packages.flatMap(({ folder, group, description }) => {
      const missing = (file: string) => (tree.paths.has(`${folder}/${file}`) ? [] : [`${folder}: no ${file}`])
      return [
        ...missing('README.md'),
        ...missing(group === 'apps' ? 'src/main.ts' : 'src/index.ts'),
        ...(description === '' ? [`${folder}/package.json: no description`] : [])
      ]
    })
}

const RE_EXPORT = /^export (?:type )?(?:\{[^}]*\}|\*(?: as \w+)?) from '[^']*'$/gm

export const INDEX_RULE: Rule = {
  name: 'index',
  because: 'index.ts is the table of contents: a package comment, and what is for others',
  check: (tree) =>
    tree.sources
      .filter(({ path, package: owner }) => path === `${owner?.folder}/src/index.ts`)
      .flatMap(({ path, code, opening }) => [
        ...(/^\/\*\*[\s\S]*@packageDocumentation[\s\S]*\*\/\s*$/.test(opening)
          ? []
          : [`${path}: does not open with a comment with @packageDocumentation`]),
        ...(code.replace(RE_EXPORT, '').trim() === '' ? [] : [`${path}: has more than re-exports`])
      ])
}
