import { packageNameOf } from './layers.ts'
import type { Rule } from './rule.ts'
import { lineAt } from './source-text.ts'
import type { TreeSource } from './tree.ts'

/** Third parties that have one room. */
const ROOMS: readonly {
  readonly modules: readonly string[]
  readonly room: RegExp
  readonly because: string
}[] = [
  {
    modules: ['inversify', 'reflect-metadata'],
    room: /^packages\/apps\/[^/]+\/src\/(?:compose|module)\.ts$/,
    because: 'classes stay plain; a program is put together in one place'
  },
  {
    modules: ['koffi'],
    room: /^packages\/drivers\/kernel-linux\//,
    because: 'foreign functions can crash the process; one package guards them'
  },
  {
    modules: ['etcd3'],
    room: /^packages\/drivers\/store-etcd\//,
    because: 'the etcd client loses events in silence; one package knows how'
  },
  {
    modules: ['commander'],
    room: /^packages\/apps\//,
    because: 'only a program has a command line'
  },
  {
    modules: ['vitest', 'fast-check'],
    room: /^(?:test|configs|packages\/testing\/[^/]+\/src|packages\/[^/]+\/[^/]+\/test)\//,
    because: 'what is shipped contains no test tools'
  }
]

export const ROOM_RULE: Rule = {
  name: 'rooms',
  because: 'a third party that has one room can be replaced there',
  check: (tree) =>
    tree.sources.flatMap((source) =>
      source.imports.flatMap(({ specifier, line }) => {
        const name = packageNameOf(specifier)
        const broken = ROOMS.find(({ modules, room }) => modules.includes(name) && !room.test(source.path))
        return broken === undefined ? [] : [`${source.path}:${line}: imports ${name}: ${broken.because}`]
      })
    )
}

const PURE_LAYERS = ['foundation', 'services', 'backends']

/** Computes and touches nothing. */
const PURE_BUILTINS = ['node:crypto', 'node:util']

/** What would be the clock, a process, a file or the network without any import. */
const WORLD =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bprocess\.|\b(?:setTimeout|setInterval|setImmediate)\b|\bconsole\.|\bfetch\(/g

export const PURE_RULE: Rule = {
  name: 'pure',
  because: 'foundation, services and backends touch no kernel, clock, file or process: those are ports',
  check: (tree) =>
    tree.sources
      .filter((source) => source.shipped && PURE_LAYERS.includes(source.package?.group ?? ''))
      .flatMap((source) => [...builtins(source), ...globals(source)])
}

function builtins({ path, imports }: TreeSource): string[] {
  return imports
    .filter(({ specifier }) => specifier.startsWith('node:') && !PURE_BUILTINS.includes(specifier))
    .map(({ specifier, line }) => `${path}:${line}: imports ${specifier}`)
}

function globals({ path, code }: TreeSource): string[] {
  return [...code.matchAll(WORLD)].map((match) => `${path}:${lineAt(code, match.index)}: uses ${match[0]}`)
}
