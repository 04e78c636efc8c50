import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import {
  type ChainPlace,
  FIREWALL_COMMENT,
  type FlannelLeftover,
  type ForwardAccept,
  type ForwardChain,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES, type Family } from '@trilane/ip'
import { kernelError } from '../kernel-errors.ts'
import type { Place } from '../place.ts'
import { ERRNO, lastErrno, O_CLOEXEC, sys } from '../syscalls.ts'
import { FLANNEL_CHAINS } from './foreign-chains.ts'
import { hasChain, type LegacyRule, type LegacyTableInfo, readInfo, readRules } from './legacy-entries.ts'
import { type LegacyForward, readLegacyForward } from './legacy-forward.ts'

interface FamilyCalls {
  readonly word: 'ip' | 'ip6'
  /** `AF_INET`, `AF_INET6` */
  readonly domain: number
  /** `IPPROTO_IP`, `IPPROTO_IPV6` */
  readonly level: number
  /** Says which tables are loaded; asking the kernel for another would load it. */
  readonly tablesFile: string
  readonly command: string
}

const CALLS: Readonly<Record<Family, FamilyCalls>> = {
  v4: { word: 'ip', domain: 2, level: 0, tablesFile: 'ip_tables_names', command: 'iptables-legacy' },
  v6: { word: 'ip6', domain: 10, level: 41, tablesFile: 'ip6_tables_names', command: 'ip6tables-legacy' }
}

const SOCK_RAW = 3
const IPPROTO_RAW = 255
/** `IPT_SO_GET_INFO`, `IPT_SO_GET_ENTRIES`: the same numbers for IPv6. */
const GET = { INFO: 64, ENTRIES: 65 } as const
const INFO_BYTES = 84
/** `struct ipt_get_entries`: char name[32], u32 size, 4 bytes of padding, entries. */
const ENTRIES_HEADER_BYTES = 40
/** Between the two questions somebody may have changed the table, which the second then refuses. */
const ATTEMPTS = 5
/** Others hold the lock of xtables for moments; without a number it would be waited for without an end. */
const WAIT = ['-w', '5'] as const

/** The tables of the old iptables: read by system calls, written by its own programs, as nothing else can. */
export class LegacyIptables {
  readonly #place: Place

  constructor(place: Place) {
    this.#place = place
  }

  /** FORWARD of each family whose table `filter` is loaded. */
  forwardChains(): ForwardChain[] {
    return FAMILIES.flatMap((family) => {
      const forward = this.#forward(family)
      return forward === undefined ? [] : [{ ...placeOf(family), ...forward }]
    })
  }

  leftovers(): FlannelLeftover[] {
    return FAMILIES.flatMap((family) =>
      Object.entries(FLANNEL_CHAINS).flatMap(([table, chain]): FlannelLeftover[] => {
        const there = hasChain(this.#read(family, table)?.rules ?? [], chain)
        return there ? [{ tool: 'legacy', family: CALLS[family].word, table, chain }] : []
      })
    )
  }

  /** `iptables-legacy -I FORWARD -s PREFIX -m comment --comment trilane -j ACCEPT`, and its like, in one transaction. */
  async setAccepts({ family: word, entry }: ForwardChain, accepts: readonly ForwardAccept[]): Promise<void> {
    const family = familyOf(word)
    // As it is now: to delete what is gone would fail the whole of it.
    const forward = this.#forward(family)
    if (forward === undefined) {
      const command = `${CALLS[family].command} -S FORWARD`
      throw TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command, what: 'the table filter' })
    }
    const script = [
      ...forward.accepts.map((accept) => `-D ${accept.chain} ${ruleWords(accept)}`),
      ...accepts.map((accept, index) => `-I ${entry} ${index + 1} ${ruleWords(accept)}`)
    ]
    await this.#restore(family, 'filter', script, `accepts in ${entry}`)
  }

  async removeLeftover({ family: word, table, chain }: FlannelLeftover): Promise<void> {
    if (chain === undefined) return
    const family = familyOf(word)
    const listing = await this.#run(`${CALLS[family].command}`, [...WAIT, '-t', table, '-S'], '', chain)
    const jumps = listing.split('\n').filter((line) => / -[jg] (\S+)$/.exec(line)?.[1] === chain)
    const script = [...jumps.map((line) => line.replace(/^-A/, '-D')), `-F ${chain}`, `-X ${chain}`]
    await this.#restore(family, table, script, chain)
  }

  #forward(family: Family): LegacyForward | undefined {
    const { rules, info } = this.#read(family, 'filter') ?? {}
    return rules === undefined || info?.forward === undefined
      ? undefined
      : readLegacyForward(rules, info.forward)
  }

  /** A table as it is now; `undefined` when it is not loaded. */
  #read(family: Family, table: string): LegacyTable | undefined {
    return this.#place.inside(() => (isLoaded(family, table) ? readTable(family, table) : undefined))
  }

  async #restore(family: Family, table: string, script: readonly string[], what: string): Promise<void> {
    const input = `*${table}\n${script.join('\n')}\nCOMMIT\n`
    await this.#run(`${CALLS[family].command}-restore`, [...WAIT, '--noflush'], input, what)
  }

  /** @throws TrilaneError `TRI_FIREWALL_TOOL_MISSING`, `TRI_COMMAND_FAILED` */
  async #run(command: string, args: readonly string[], input: string, what: string): Promise<string> {
    // A child gets the namespace of the thread at the moment at which it is made, which is within this call.
    const child = this.#place.inside(() => spawn(command, args, { stdio: 'pipe' }))
    const texts = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        texts[stream] += text
      })
    }
    // It may end before it has read its input.
    child.stdin.on('error', () => {}).end(input)
    const status = await new Promise<string | undefined>((resolve, reject) => {
      child.once('error', (cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOENT') reject(TrilaneError.from(cause))
        else reject(TrilaneError.of('TRI_FIREWALL_TOOL_MISSING', { command, what }, { cause }))
      })
      child.once('close', (code, signal) =>
        resolve(code === 0 ? undefined : `${signal ?? `exit status ${code}`}`)
      )
    })
    if (status === undefined) return texts.stdout
    const details = `${texts.stderr}${input}`.trim()
    throw TrilaneError.of(
      'TRI_COMMAND_FAILED',
      { command: [command, ...args].join(' '), status },
      { details }
    )
  }
}

interface LegacyTable {
  readonly info: LegacyTableInfo
  readonly rules: readonly LegacyRule[]
}

function isLoaded(family: Family, table: string): boolean {
  try {
    // Of this thread, which is in the place's namespace; /proc/net would be the main thread's.
    const names = readFileSync(`/proc/thread-self/net/${CALLS[family].tablesFile}`, 'utf8')
    return names.split('\n').includes(table)
  } catch {
    // A kernel without the old iptables has no such file.
    return false
  }
}

/** The kernel gives a table in two steps, and refuses the second (EAGAIN) if the table changed between. */
function readTable(family: Family, table: string): LegacyTable | undefined {
  const { domain, level, command } = CALLS[family]
  const fd = sys.socket(domain, SOCK_RAW | O_CLOEXEC, IPPROTO_RAW)
  if (fd < 0) throw kernelError(`${command} -t ${table} -S`, { errno: lastErrno() })
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const infoBytes = Buffer.alloc(INFO_BYTES)
      infoBytes.write(table)
      if (!ask(fd, level, GET.INFO, infoBytes)) break
      const info = readInfo(infoBytes)
      const bytes = Buffer.alloc(ENTRIES_HEADER_BYTES + info.bytes)
      bytes.write(table)
      bytes.writeUInt32LE(info.bytes, 32)
      if (ask(fd, level, GET.ENTRIES, bytes)) {
        return { info, rules: readRules(bytes.subarray(ENTRIES_HEADER_BYTES), family) }
      }
      if (lastErrno() !== ERRNO.EAGAIN) break
    }
    const errno = lastErrno()
    // Unloaded meanwhile.
    if (errno === ERRNO.ENOENT) return undefined
    throw kernelError(`${command} -t ${table} -S`, { errno })
  } finally {
    sys.close(fd)
  }
}

function ask(fd: number, level: number, option: number, into: Buffer): boolean {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(into.length)
  return sys.getsockopt(fd, level, option, into, length) >= 0
}

function placeOf(family: Family): ChainPlace {
  return { tool: 'legacy', family: CALLS[family].word, table: 'filter', chain: 'FORWARD' }
}

function familyOf(word: ChainPlace['family']): Family {
  return word === 'ip6' ? 'v6' : 'v4'
}

function ruleWords({ direction, prefix }: ForwardAccept): string {
  return `${direction === 'from' ? '-s' : '-d'} ${prefix} -m comment --comment ${FIREWALL_COMMENT} -j ACCEPT`
}
