import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { FirewallTable, ForwardAccept } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LinuxFirewall } from '../src/index.ts'
import { foreignRules } from './foreign-rules.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'
import { bundle } from './programs/bundle.ts'

const ACCEPT: ForwardAccept = { direction: 'from', prefix: Prefix.parse('10.5.0.0/16') }

let namespace: TestNamespace
let firewall: LinuxFirewall
beforeEach(async () => {
  namespace = await testNamespace()
  firewall = await LinuxFirewall.open({ namespace: namespace.path })
})
afterEach(async () => {
  firewall.close()
  await namespace.dispose()
})

describe('a version of nft that prints otherwise than we write', () => {
  /** Right, and not as nft prints it. */
  const odd = (rules: readonly string[]): FirewallTable => ({
    sets: [],
    chains: [{ name: 'forward', hook: 'type filter hook forward priority 0; policy accept;', rules }]
  })
  const TABLE = odd(['meta mark & 0x4000 == 0x4000 return'])

  it('is understood from what it prints of what was just written', async () => {
    await firewall.replace(TABLE)
    expect(await firewall.holds(TABLE)).toBe(true)
    expect(await firewall.holds(odd([]))).toBe(false)
    await foreignRules(namespace).rewrite(odd(['meta mark & 0x4000 == 0x4000 return', 'accept']))
    expect(await firewall.holds(TABLE)).toBe(false)
    await foreignRules(namespace).flush()
    expect(await firewall.holds(TABLE)).toBe(false)
  })

  it('costs a fresh process one write', async () => {
    await firewall.replace(TABLE)
    const fresh = await LinuxFirewall.open({ namespace: namespace.path })
    try {
      expect(await fresh.holds(TABLE)).toBe(false)
      await fresh.replace(TABLE)
      expect(await fresh.holds(TABLE)).toBe(true)
    } finally {
      fresh.close()
    }
  })
})

describe('what cannot be written', () => {
  it('says which program is missing for the old iptables, and which rules', async () => {
    const foreign = foreignRules(namespace)
    const place = { tool: 'legacy', family: 'ip', table: 'filter', chain: 'FORWARD' } as const
    await foreign.addForwardChain({ ...place, policy: 'drop' })
    const [chain] = (await firewall.surroundings()).forwardChains
    if (chain === undefined) throw new Error('no chain')
    const path = process.env.PATH
    process.env.PATH = await mkdtemp(join(tmpdir(), 'no-iptables-'))
    try {
      await expect(firewall.setAccepts(chain, [ACCEPT])).rejects.toMatchObject({
        code: 'TRI_FIREWALL_TOOL_MISSING',
        message:
          'the old iptables has to be changed (accepts in FORWARD), and `iptables-legacy-restore` is missing'
      })
    } finally {
      await rm(process.env.PATH, { recursive: true })
      process.env.PATH = path
    }
  })

  it('says that a table belongs to another program', async () => {
    const owner = spawn('nsenter', [`--net=${namespace.path}`, '--', 'nft', '-i'], { stdio: 'pipe' })
    try {
      owner.stdin.write(
        'add table inet owned { flags owner; }\nadd chain inet owned through { type filter hook forward priority 0; policy drop; }\n'
      )
      let chain = (await firewall.surroundings()).forwardChains[0]
      while (chain === undefined) chain = (await firewall.surroundings()).forwardChains[0]
      await expect(firewall.setAccepts(chain, [ACCEPT])).rejects.toMatchObject({
        code: 'TRI_FORWARD_REFUSED',
        message: expect.stringContaining('nft chain inet owned through refuses packets of 10.5.0.0/16')
      })
    } finally {
      owner.stdin.end()
      owner.kill()
    }
  })
})

describe('without libnftables', () => {
  it('every method says so, and the process goes on', async () => {
    const program = await bundle('./firewall-without-library.ts')
    // In a mount namespace of its own, where the library is an empty file.
    const script = `library=$(ldconfig -p | sed -n 's/.*libnftables.so.1 .*=> //p' | head -n 1)
mount --bind /dev/null "$(readlink -f "$library")"
exec "$0" "$1"`
    try {
      const argv = ['--mount', '--net', 'sh', '-ec', script, process.execPath, program.file]
      const { stdout } = await promisify(execFile)('unshare', argv)
      expect(JSON.parse(stdout)).toEqual({
        holds: 'TRI_FIREWALL_UNAVAILABLE',
        replace: 'TRI_FIREWALL_UNAVAILABLE',
        remove: 'TRI_FIREWALL_UNAVAILABLE',
        surroundings: 'done',
        watch: 'done'
      })
    } finally {
      program.remove()
    }
  })
})
