import { describe, expect, it } from 'vitest'
import { violations } from './rule.ts'
import { RULES } from './rules.ts'
import { treeOf } from './tree.ts'

/** Path to text; `null` takes a file out. */
type Files = Readonly<Record<string, string | null>>

interface SamplePackage {
  readonly dependencies?: readonly string[]
  readonly devDependencies?: readonly string[]
  readonly references?: readonly string[]
  readonly src?: string
}

const json = (value: unknown) => JSON.stringify(value)

function samplePackage(id: string, name: string, shape: SamplePackage): Files {
  const versions = (names: readonly string[] = []) => Object.fromEntries(names.map((each) => [each, '1']))
  const entry = id.startsWith('apps/') ? 'main.ts' : 'index.ts'
  const references = (shape.references ?? []).map((folder) => ({ path: `../../${folder}` }))
  return {
    [`packages/${id}/package.json`]: json({
      name,
      description: 'A sample',
      dependencies: versions(shape.dependencies),
      devDependencies: versions(shape.devDependencies)
    }),
    [`packages/${id}/tsconfig.json`]: json({ references }),
    [`packages/${id}/README.md`]: '# Sample',
    [`packages/${id}/src/${entry}`]: "/** @packageDocumentation */\nexport * from './part.ts'\n",
    [`packages/${id}/src/part.ts`]: shape.src ?? ''
  }
}

const IDS = [
  'foundation/ip',
  'foundation/contracts',
  'foundation/config',
  'drivers/kernel-linux',
  'drivers/kernel-memory',
  'services/ipam',
  'backends/vxlan',
  'backends/host-gw',
  'apps/daemon',
  'apps/lab',
  'testing/compliance',
  'testing/testbed'
]

const usesContracts: SamplePackage = {
  dependencies: ['@trilane/contracts'],
  references: ['foundation/contracts'],
  src: "import type { A } from '@trilane/contracts'"
}

/** A tree that keeps every law, and what a test changes in it. */
function sample(changes: Files = {}): string[] {
  const references = IDS.map((id) => ({ path: `./packages/${id}` }))
  const files: Files = {
    'package.json': json({ devDependencies: { vitest: '1' } }),
    'tsconfig.json': json({ references: [...references, { path: './test' }] }),
    'test/tsconfig.json': json({ references: references.map(({ path }) => ({ path: `.${path}` })) }),
    'biome.json': '"noExplicitAny": "error", "noNonNullAssertion": "error"',
    'docs/page.md': '# A page\n\n## The `first` part, at last\n',
    ...samplePackage('foundation/ip', '@trilane/ip', {}),
    ...samplePackage('foundation/contracts', '@trilane/contracts', {
      dependencies: ['@trilane/ip'],
      references: ['foundation/ip'],
      src: "import { A } from '@trilane/ip'\nimport { createHash } from 'node:crypto'"
    }),
    ...samplePackage('foundation/config', '@trilane/config', usesContracts),
    ...samplePackage('drivers/kernel-linux', '@trilane/kernel-linux', {
      dependencies: ['koffi'],
      src: "import koffi from 'koffi'\nimport { openSync } from 'node:fs'"
    }),
    ...samplePackage('drivers/kernel-memory', '@trilane/kernel-memory', {}),
    ...samplePackage('services/ipam', '@trilane/ipam', {
      ...usesContracts,
      devDependencies: ['@trilane/kernel-memory', '@trilane/compliance']
    }),
    'packages/services/ipam/test/a.test.ts': [
      "import '@trilane/kernel-memory'",
      "import '@trilane/compliance'",
      "import '../src/part.ts'",
      "import { it } from 'vitest'"
    ].join('\n'),
    ...samplePackage('backends/vxlan', '@trilane/backend-vxlan', {
      dependencies: ['@trilane/ipam'],
      references: ['services/ipam'],
      src: "import { A } from '@trilane/ipam'"
    }),
    ...samplePackage('backends/host-gw', '@trilane/backend-host-gw', {}),
    ...samplePackage('apps/daemon', '@trilane/daemon', {
      dependencies: ['@trilane/backend-vxlan', 'commander', 'inversify', 'reflect-metadata'],
      references: ['backends/vxlan'],
      src: "import '@trilane/backend-vxlan'\nimport 'commander'"
    }),
    'packages/apps/daemon/src/compose.ts': "import 'inversify'",
    ...samplePackage('apps/lab', '@trilane/lab', {}),
    ...samplePackage('testing/compliance', '@trilane/compliance', {}),
    ...samplePackage('testing/testbed', '@trilane/testbed', {
      dependencies: ['@trilane/kernel-linux'],
      references: ['drivers/kernel-linux'],
      src: "import '@trilane/kernel-linux'"
    }),
    ...changes
  }
  const entries = Object.entries(files).flatMap(([path, text]) => (text === null ? [] : [{ path, text }]))
  return violations(treeOf(entries), RULES)
}

/** The changes break one rule, at one place. */
function expectBroken(rule: string, problem: string | RegExp, changes: Files) {
  const found = sample(changes)
  expect(found).toEqual([expect.stringMatching(problem)])
  expect(found[0]).toContain(`[${rule}]`)
}

/** A package's first source, with more in it. */
const adding = (id: string, name: string, shape: SamplePackage, line: string): Files =>
  samplePackage(id, name, { ...shape, src: `${shape.src ?? ''}\n${line}` })

describe('a good tree', () => {
  it('breaks nothing', () => {
    expect(sample()).toEqual([])
  })
})

describe('layers', () => {
  const importing = (from: string, name: string, target: string, targetFolder: string): Files => {
    const src = `import '${target}'`
    return samplePackage(from, name, { dependencies: [target], references: [targetFolder], src })
  }
  it.each([
    ['foundation/ip', '@trilane/ip', '@trilane/contracts', 'foundation/contracts'],
    ['foundation/contracts', '@trilane/contracts', '@trilane/config', 'foundation/config'],
    ['foundation/config', '@trilane/config', '@trilane/kernel-linux', 'drivers/kernel-linux'],
    ['drivers/kernel-memory', '@trilane/kernel-memory', '@trilane/ipam', 'services/ipam'],
    ['drivers/kernel-memory', '@trilane/kernel-memory', '@trilane/kernel-linux', 'drivers/kernel-linux'],
    ['backends/host-gw', '@trilane/backend-host-gw', '@trilane/backend-vxlan', 'backends/vxlan'],
    ['backends/host-gw', '@trilane/backend-host-gw', '@trilane/kernel-linux', 'drivers/kernel-linux'],
    ['apps/lab', '@trilane/lab', '@trilane/daemon', 'apps/daemon'],
    ['testing/compliance', '@trilane/compliance', '@trilane/kernel-linux', 'drivers/kernel-linux']
  ])('%s (%s) may not import %s', (from, name, target, targetFolder) => {
    expectBroken('layers', `${from} imports ${targetFolder}`, importing(from, name, target, targetFolder))
  })

  it('forbids a test in a package two real parts', () => {
    expectBroken('layers', 'drivers/kernel-memory imports drivers/kernel-linux', {
      ...samplePackage('drivers/kernel-memory', '@trilane/kernel-memory', {
        devDependencies: ['@trilane/kernel-linux']
      }),
      'packages/drivers/kernel-memory/test/a.test.ts': "import '@trilane/kernel-linux'"
    })
  })

  it('knows no other layer', () => {
    const found = sample(importing('tools/x', '@trilane/x', '@trilane/ip', 'foundation/ip'))
    expect(found).toContainEqual(expect.stringContaining('there is no layer "tools"'))
  })
})

describe('imports', () => {
  it('of parts of a package are refused', () => {
    expectBroken(
      'deep-imports',
      'imports @trilane/contracts/src/x.ts',
      adding('foundation/config', '@trilane/config', usesContracts, "import '@trilane/contracts/src/x.ts'")
    )
  })

  it.each([
    ['packages/services/ipam/src/b.ts', '../../../foundation/ip/src/part.ts', 'reaches into foundation/ip'],
    ['packages/services/ipam/test/b.test.ts', '../../../../scripts/x.ts', 'leaves its package'],
    ['test/b.test.ts', '../packages/foundation/ip/src/part.ts', 'reaches into foundation/ip']
  ])('from %s of %s are refused', (path, specifier, problem) => {
    expectBroken('deep-imports', problem, { [path]: `import '${specifier}'` })
  })

  it.each(['inversify', 'koffi', 'etcd3', 'commander', 'vitest'])('of %s have their room', (name) => {
    const shape = { dependencies: [name], src: `import '${name}'` }
    expectBroken(
      'rooms',
      `imports ${name}`,
      samplePackage('drivers/kernel-memory', '@trilane/kernel-memory', shape)
    )
  })

  it('of inversify have theirs in the composing file of a program alone', () => {
    expectBroken('rooms', 'imports inversify', { 'packages/apps/daemon/src/b.ts': "import 'inversify'" })
  })
})

describe('the outside world', () => {
  it.each([
    ["import { readFile } from 'node:fs/promises'", 'node:fs/promises'],
    ["import { spawn } from 'node:child_process'", 'node:child_process'],
    ['const a = Date.now()', 'Date.now'],
    ['const a = new Date()', 'new Date'],
    ['const a = process.env', 'process.'],
    ['setTimeout(() => {}, 1)', 'setTimeout'],
    ["console.log('a')", 'console.']
  ])('has no place in a service: %s', (line, problem) => {
    expectBroken('pure', problem, { 'packages/services/ipam/src/b.ts': line })
  })

  it('may be spoken of, and may be in drivers and tests', () => {
    const line = 'const a = Date.now() + process.pid'
    expect(
      sample({
        'packages/services/ipam/src/b.ts': `// ${line}\nconst b = '${line}'`,
        'packages/services/ipam/test/b.test.ts': line,
        'packages/drivers/kernel-linux/src/b.ts': line
      })
    ).toEqual([])
  })
})

describe('manifests', () => {
  const broken = (problem: string, shape: SamplePackage) =>
    expectBroken('dependencies', problem, samplePackage('foundation/config', '@trilane/config', shape))

  it('declare what is imported, and nothing else', () => {
    broken('src imports zod, undeclared', { ...usesContracts, src: `${usesContracts.src}\nimport 'zod'` })
    broken('src does not import its dependency zod', {
      ...usesContracts,
      dependencies: ['@trilane/contracts', 'zod']
    })
    broken('test does not import its devDependency zod', { ...usesContracts, devDependencies: ['zod'] })
    expectBroken('dependencies', 'test imports zod, undeclared', {
      'packages/foundation/config/test/a.test.ts': "import 'zod'"
    })
  })

  it('tell what src needs apart from what tests need', () => {
    expectBroken('dependencies', 'src imports zod, undeclared', {
      ...samplePackage('foundation/config', '@trilane/config', {
        ...usesContracts,
        devDependencies: ['zod'],
        src: `${usesContracts.src}\nimport 'zod'`
      }),
      'packages/foundation/config/test/a.test.ts': "import 'zod'"
    })
  })

  it('agree with the references of tsconfig.json', () => {
    const name = '@trilane/config'
    const references = (list: string[]) =>
      samplePackage('foundation/config', name, { ...usesContracts, references: list })
    expectBroken('references', 'no reference to packages/foundation/contracts', references([]))
    const many = ['foundation/contracts', 'foundation/ip']
    expectBroken('references', 'packages/foundation/ip too many', references(many))
    expectBroken('references', /tsconfig.json: no reference to test /, {
      'tsconfig.json': json({ references: IDS.map((id) => ({ path: `./packages/${id}` })) })
    })
    expectBroken('references', 'test/tsconfig.json: no reference to packages/foundation/ip', {
      'test/tsconfig.json': json({ references: IDS.slice(1).map((id) => ({ path: `../packages/${id}` })) })
    })
  })

  it('have a description, a README and an entry beside them', () => {
    const at = 'packages/foundation/ip'
    expectBroken('packages', 'no description', { [`${at}/package.json`]: json({ name: '@trilane/ip' }) })
    expectBroken('packages', 'no README.md', { [`${at}/README.md`]: null })
    expectBroken('packages', 'no src/index.ts', { [`${at}/src/index.ts`]: null })
    expectBroken('packages', 'no src/main.ts', { 'packages/apps/lab/src/main.ts': null })
  })
})

describe('index.ts', () => {
  const index = (text: string): Files => ({ 'packages/foundation/ip/src/index.ts': text })
  const comment = '/**\n * A sample.\n *\n * @packageDocumentation\n */\n'

  it('may re-export in every form', () => {
    const forms =
      "export { a, type B } from './a.ts'\nexport type { C } from './c.ts'\nexport * as d from './d.ts'\n"
    expect(sample(index(`${comment}${forms}`))).toEqual([])
  })

  it.each(['export {}', 'export const a = 1', "import './a.ts'"])('has nothing like: %s', (line) => {
    expectBroken('index', 'more than re-exports', index(`${comment}${line}\n`))
  })

  it('opens with its comment', () => {
    expectBroken('index', 'does not open with', index("export * from './part.ts'\n"))
    expectBroken(
      'index',
      'does not open with',
      index("export * from './part.ts'\n/** @packageDocumentation */\n")
    )
  })
})

describe('files', () => {
  it('have 400 lines at most', () => {
    const lines = (count: number): Files => ({
      'packages/services/ipam/test/b.test.ts': 'a()\n'.repeat(count)
    })
    expect(sample(lines(400))).toEqual([])
    expectBroken('length', '401 lines', lines(401))
  })

  it.each(['utils.ts', 'helpers.ts', 'helper/a.ts', 'common.test.ts'])('are not called %s', (name) => {
    expectBroken('names', /packages.services.ipam.test/, { [`packages/services/ipam/test/${name}`]: '' })
  })

  it.each([
    ['/', 'work/main'],
    ['https://registry.', 'npmjs.org'],
    ['/tmp/', 'bash_jobs']
  ])('name nothing of one machine: %s%s', (...parts) => {
    expectBroken('machine', 'docs/b.txt:2', { 'docs/b.txt': `first\n${parts.join('')}` })
  })

  it.each(['it.only(', 'describe.only(', 'it.each([]).only(', 'test.concurrent.only('])(
    'have no %s',
    (call) => {
      const text = call === 'it.each([]).only(' ? 'it.each.only(' : call
      expectBroken('only', 'only', { 'packages/services/ipam/test/b.test.ts': `${text}'a', () => {})` })
    }
  )

  it.each(['class A { addRouteV6() {} }', 'const a = routesV6<A>(b)', 'v6Route()'])(
    'have no method for one family: %s',
    (line) => {
      expectBroken('family', 'services/ipam', { 'packages/services/ipam/src/b.ts': line })
    }
  )

  it('may have the families as data', () => {
    const line = "const v6 = a['v6']; const IPv6Network = families.v6; f(v6)"
    expect(sample({ 'packages/services/ipam/src/b.ts': line })).toEqual([])
  })

  it('are checked by biome for any and for !', () => {
    expectBroken('style-check', 'noNonNullAssertion is no error', {
      'biome.json': '"noExplicitAny": "error"'
    })
  })
})

describe('links', () => {
  const page = (text: string): Files => ({ 'docs/b.md': text })

  it('may lead to files, folders, headings and elsewhere', () => {
    const links = [
      'page.md',
      '../packages/',
      'page.md#the-first-part-at-last',
      'https://example.org/x',
      '#here'
    ]
    expect(sample(page(`# Here\n\n${links.map((link) => `[a](${link})`).join('\n')}`))).toEqual([])
  })

  it('may be wrong in code', () => {
    expect(sample(page('`[a](nowhere.md)`\n\n```\n[a](nowhere.md)\n```\n'))).toEqual([])
  })

  it('lead somewhere', () => {
    expectBroken('links', 'docs/b.md:2: there is no docs/nowhere.md', page('a\n[b](nowhere.md)'))
    expectBroken('links', 'docs/page.md has no heading #second', page('[b](page.md#second)'))
  })
})
