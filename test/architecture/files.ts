import { posix } from 'node:path'
import type { Rule } from './rule.ts'
import { lineAt } from './source-text.ts'
import type { Tree, TreeFile } from './tree.ts'

const CODE_FILE = /\.(?:ts|mts|mjs|js|c|h|sh)$/

const MAXIMUM_LINES = 400

export const LENGTH_RULE: Rule = {
  name: 'length',
  because: 'one file is one concept',
  check: ({ files }) =>
    files.flatMap(({ path, text }) => {
      const lines = text.split('\n').length - 1
      return CODE_FILE.test(path) && lines > MAXIMUM_LINES
        ? [`${path}: ${lines} lines, at most ${MAXIMUM_LINES}`]
        : []
    })
}

export const NAME_RULE: Rule = {
  name: 'names',
  because: 'a drawer for anything is where nothing is found',
  check: ({ paths }) =>
    [...paths].filter((path) => /^(?:utils?|helpers?|common|misc|shared)(?:\.|$)/.test(posix.basename(path)))
}

/** In parts, so that this file has none of them. */
const MACHINE_WORDS = [
  ['/', 'work', '/'],
  ['/', 'farm', '/'],
  ['/tmp/', 'bash_'],
  ['registry.', 'npmjs'],
  ['deb.', 'debian', '.'],
  ['security.', 'debian', '.'],
  ['proxy.', 'golang']
].map((parts) => parts.join(''))

export const MACHINE_RULE: Rule = {
  name: 'machine',
  because: "one machine's paths and registries mean nothing on the next",
  check: ({ files }) =>
    files.flatMap(({ path, text }) =>
      MACHINE_WORDS.flatMap((word) => {
        const at = text.indexOf(word)
        return at === -1 ? [] : [`${path}:${lineAt(text, at)}: ${word}`]
      })
    )
}

export const ONLY_RULE: Rule = {
  name: 'only',
  because: 'one forgotten word would switch all other tests off',
  check: ({ sources }) =>
    sources.flatMap(({ path, code }) =>
      [...code.matchAll(/\b(?:it|test|describe|bench)(?:\.\w+)*\.only\b/g)].map(
        (match) => `${path}:${lineAt(code, match.index)}: ${match[0]}`
      )
    )
}

/** Where the families are taken apart and put together: its own functions may know one. */
const FAMILY_ROOM = 'packages/foundation/ip/'

export const FAMILY_RULE: Rule = {
  name: 'family',
  because: 'IPv4 and IPv6 are one code path with the family as data',
  check: ({ sources }) =>
    sources
      .filter(({ path, shipped }) => shipped && !path.startsWith(FAMILY_ROOM))
      .flatMap(({ path, code }) =>
        [...code.matchAll(/\b(?:v6\w*|\w*V6\w*)(?=\s*(?:<[^<>()]*>)?\()/g)].map(
          (match) => `${path}:${lineAt(code, match.index)}: ${match[0]}`
        )
      )
}

export const STYLE_CHECK_RULE: Rule = {
  name: 'style-check',
  because: 'these two holes in the type check are closed by biome',
  check: ({ files }) => {
    const biome = files.find(({ path }) => path === 'biome.json')?.text ?? ''
    return ['noExplicitAny', 'noNonNullAssertion']
      .filter((name) => !biome.includes(`"${name}": "error"`))
      .map((name) => `biome.json: ${name} is no error`)
  }
}

/** `[text](target)`, outside code. */
const LINK = /\]\(([^()\s]+)\)/g

export const LINK_RULE: Rule = {
  name: 'links',
  because: 'a dead link is a promise that was not kept',
  check: (tree) =>
    tree.files
      .filter(({ path }) => path.endsWith('.md'))
      .flatMap((file) => {
        const text = file.text.replace(/^```[\s\S]*?^```|`[^`\n]*`/gm, (code) => code.replace(/[^\n]/g, ' '))
        return [...text.matchAll(LINK)].flatMap((match) => {
          const problem = linkProblem(tree, file, match[1] ?? '')
          return problem === undefined ? [] : [`${file.path}:${lineAt(text, match.index)}: ${problem}`]
        })
      })
}

function linkProblem(tree: Tree, file: TreeFile, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined
  const [target = '', anchor] = link.split('#')
  const path = target === '' ? file.path : posix.join(posix.dirname(file.path), target).replace(/\/$/, '')
  if (!tree.paths.has(path)) return `there is no ${path}`
  if (anchor === undefined || !path.endsWith('.md')) return undefined
  const text = tree.files.find((other) => other.path === path)?.text ?? ''
  return headingsOf(text).includes(anchor) ? undefined : `${path} has no heading #${anchor}`
}

/** As GitHub makes anchors of headings: lower case, punctuation dropped, spaces to dashes. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ +(.+?) *$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/ /g, '-')
  )
}
