import { missingLinkTypes } from '@trilane/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DoctorBed } from './segment.ts'

const MACVLAN = `
Network: 192.168.77.0/24
SubnetLen: 28
SubnetMin: 192.168.77.64
SubnetMax: 192.168.77.224
Backend: {Type: macvlan}
`

const DUAL_STACK = `${MACVLAN}
EnableIPv6: true
IPv6Network: fd77::/64
IPv6SubnetLen: 80
IPv6SubnetMin: 'fd77:0:0:0:10::'
IPv6SubnetMax: 'fd77:0:0:0:ff::'
`

interface Report {
  readonly findings: readonly { readonly about: string; readonly verdict: string; readonly text: string }[]
  readonly backends: readonly { readonly type: string; readonly verdict: string }[]
  readonly configured?: { readonly verdict: string; readonly reasons: readonly string[] }
}

let bed: DoctorBed

beforeEach(async () => {
  bed = await DoctorBed.create()
})

afterEach(() => bed?.dispose())

async function report(...argv: readonly string[]): Promise<Report & { readonly status: number | null }> {
  const { status, stdout, stderr } = await bed.doctor('--json', ...argv)
  expect(stderr).toBe('')
  return { ...JSON.parse(stdout), status }
}

const withConfig = async (text: string, ...argv: readonly string[]) =>
  report('--config', await bed.writeConfig(text), ...argv)

/** What was found about everything but the kernel. */
const found = ({ findings }: Report): Record<string, string> =>
  Object.fromEntries(
    findings
      .filter(({ about }) => !about.startsWith('link type'))
      .map(({ about, verdict }) => [about, verdict])
  )

const backend = ({ backends }: Report, type: string) => backends.find((each) => each.type === type)?.verdict

describe('on an open switch', () => {
  it('everything is found, in both families, and nothing is left behind', async () => {
    const before = await bed.traces()
    const all = await withConfig(DUAL_STACK)
    expect(all.status).toBe(0)
    expect(found(all)).toEqual({
      wired: 'good',
      'more than one MAC': 'good',
      // A veth has no filter for MACs.
      'filter of the card': 'careful',
      'addresses of pods, IPv4': 'good',
      'addresses of pods, IPv6': 'good',
      'long packets, IPv4': 'good',
      'long packets, IPv6': 'good',
      DHCP: 'good'
    })
    expect(all.configured).toMatchObject({ verdict: 'works', reasons: [] })
    expect(await bed.traces()).toBe(before)
  })

  it('a table says so to people, without a config too', async () => {
    const { status, stdout } = await bed.doctor()
    expect(status).toBe(0)
    expect(stdout).toMatch(/^eth0 [0-9a-f:]{17} mtu 1500 .*, answered by 192\.168\.77\.254 fd77::254$/m)
    expect(stdout).toMatch(/^ok +link type macvlan +one was made and removed$/m)
    expect(stdout).toMatch(/^ok +more than one MAC +192\.168\.77\.254 answers/m)
    expect(stdout).toMatch(/^unknown +addresses of pods, IPv4 /m)
    expect(stdout).toMatch(/^ +fix: name one with --source$/m)
    expect(stdout).toMatch(/^vxlan +works$/m)
    expect(stdout).not.toContain('configured')
  })

  it('asks from the address, and whom, it is told', async () => {
    const all = await report('--source', '192.168.77.200', '--ask', '192.168.77.254')
    expect(all.findings.find(({ about }) => about === 'addresses of pods, IPv4')).toMatchObject({
      verdict: 'good',
      text: 'packets of 192.168.77.200 reach 192.168.77.254 and come back'
    })
  })

  it('asks from no address that somebody has', async () => {
    const { findings } = await report('--source', '192.168.77.254', '--ask', 'fd77::254')
    expect(findings.find(({ about }) => about === 'addresses of pods, IPv4')?.verdict).toBe('unknown')
  })

  it('leaves out what may close a strict port when it is to be gentle', async () => {
    await bed.drop(`ether saddr != ${bed.mac} ether saddr != ${await routerMac()} counter`)
    const all = await withConfig(MACVLAN, '--gently')
    expect(found(all)).toMatchObject({
      'more than one MAC': 'unknown',
      'addresses of pods, IPv4': 'unknown',
      'long packets, IPv4': 'good'
    })
    const { stdout } = await bed.lan.run(['nft', 'list', 'table', 'bridge', 'port'])
    expect(stdout).toContain('counter packets 0')
  })
})

describe('a network that carries less', () => {
  it('one MAC a port: no macvlan, and what to do instead', async () => {
    await bed.drop(`ether saddr != ${bed.mac} ether saddr != ${await routerMac()}`)
    const all = await withConfig(MACVLAN)
    expect(all.status).toBe(1)
    expect(found(all)).toMatchObject({ 'more than one MAC': 'bad', 'addresses of pods, IPv4': 'good' })
    expect(all.configured).toMatchObject({ verdict: 'cannot', reasons: ['only one MAC is answered'] })
    expect([backend(all, 'vxlan'), backend(all, 'macvlan')]).toEqual(['works', 'cannot'])
    const { stdout, status } = await bed.doctor('--config', await bed.writeConfig(MACVLAN))
    expect(status).toBe(1)
    expect(stdout).toMatch(/^ +fix: choose (?:ipvlan|vxlan)/m)
  })

  it.each([
    [
      'packets of unknown addresses are dropped',
      [`ip saddr != 192.168.77.1`, `ip6 saddr != { ::, fd77::1, fe80::/10 }`],
      'cannot'
    ],
    ['ARP of unknown addresses is dropped', [`arp saddr ip != { 0.0.0.0, 192.168.77.1 }`], 'works'],
    [
      'both are dropped',
      [`arp saddr ip != { 0.0.0.0, 192.168.77.1 }`, `ip saddr != { 0.0.0.0, 192.168.77.1 }`],
      'cannot'
    ]
  ])('%s: neither macvlan nor ipvlan', async (_, rules, hostGw) => {
    await bed.drop(...rules.map((rule) => `ether saddr ${bed.mac} ${rule}`))
    const all = await withConfig(DUAL_STACK)
    expect(all.status).toBe(1)
    expect(found(all)).toMatchObject({ 'more than one MAC': 'good', 'addresses of pods, IPv4': 'bad' })
    expect(backend(all, 'macvlan')).toBe('cannot')
    expect(backend(all, 'ipvlan')).toBe('cannot')
    expect(backend(all, 'host-gw')).toBe(hostGw)
    expect(backend(all, 'vxlan')).toBe('works')
  })

  it('a lane that needs the segment is judged, too', async () => {
    const vxlan = 'Network: 10.5.0.0/16\nBackend: {Type: vxlan, DirectRouting: true}\n'
    // The other one looks for an address of the last minute by itself: each time another one.
    const judge = (source: string) => withConfig(vxlan, '--source', source, '--ask', '192.168.77.254')
    expect((await judge('192.168.77.200')).configured).toMatchObject({ verdict: 'works' })
    await bed.drop(`ether saddr ${bed.mac} ip saddr != { 0.0.0.0, 192.168.77.1 }`)
    const all = await judge('192.168.77.201')
    expect(backend(all, 'vxlan')).toBe('works')
    expect(all.configured).toMatchObject({
      verdict: 'cannot',
      reasons: ['its lane host-gw cannot: IPv4 addresses that the network does not know are dropped']
    })
    expect(all.status).toBe(1)
  })

  it('long packets do not pass', async () => {
    await bed.drop('ip length > 1400')
    expect(found(await withConfig(MACVLAN))).toMatchObject({ 'long packets, IPv4': 'careful' })
  })

  it('nobody answers: nothing is claimed', async () => {
    await bed.drop(`ether saddr ${await routerMac()}`)
    const all = await withConfig(MACVLAN)
    expect(all.status).toBe(0)
    expect(found(all)).toMatchObject({ 'more than one MAC': 'unknown', 'long packets, IPv4': 'unknown' })
    expect(all.configured).toMatchObject({ verdict: 'unknown' })
  })
})

describe('a DHCP server', () => {
  it('that hands out addresses of pods is found, and takes nothing', async () => {
    await bed.startDhcpServer('192.168.77.100', '192.168.77.110')
    const before = await bed.traces()
    const all = await withConfig(MACVLAN)
    expect(all.findings.find(({ about }) => about === 'DHCP')).toMatchObject({
      verdict: 'bad',
      text: expect.stringMatching(
        /^the server 192\.168\.77\.254 offers 192\.168\.77\.1\d\d, which a pod may get/
      )
    })
    expect(await bed.traces()).toBe(before)
    const excluded = `${MACVLAN}Exclude: [192.168.77.100-192.168.77.110]\n`
    expect(found(await withConfig(excluded))).toMatchObject({ DHCP: 'careful' })
  })
})

describe('a config or a device that cannot be', () => {
  it('says what the backend itself says', async () => {
    const all = await withConfig(MACVLAN.replace('192.168.77.64', '192.168.77.0'))
    expect(all.status).toBe(1)
    expect(all.configured?.reasons[0]).toMatch(/^TRI_PARENT_UNFIT: .*192\.168\.77\.1 is inside/)
  })

  it('says that this kernel has no VLANs where the config needs one', async () => {
    const { configured, status } = await withConfig(MACVLAN.replace('macvlan}', 'macvlan, VLAN: 100}'))
    const isMissing = missingLinkTypes(['vlan']).length > 0
    expect(status).toBe(isMissing ? 1 : 0)
    expect(configured?.reasons.includes('this kernel has no vlan')).toBe(isMissing)
  })

  it('a device that is down: only the link types are tried', async () => {
    await bed.node.run(['ip', 'link', 'set', 'eth0', 'down'])
    const all = await report('--parent', 'eth0')
    expect(found(all)).toMatchObject({ 'more than one MAC': 'unknown', DHCP: 'unknown' })
    expect(all.findings.find(({ about }) => about === 'link type macvlan')?.verdict).toBe('good')
  })

  it.each([
    [['--parent', 'eth7'], 1, 'TRI_PARENT_NOT_FOUND'],
    [['--source', 'nonsense'], 2, 'TRI_USAGE'],
    [['--config'], 2, 'TRI_USAGE'],
    [['--config', '/nowhere.yaml'], 1, 'TRI_FILE']
  ])('refuses %j with %i', async (argv, status, code) => {
    const ended = await bed.doctor(...argv)
    expect(ended.stderr).toContain(code)
    expect(ended.stderr).toContain('fix: ')
    expect(ended.status).toBe(status)
  })
})

async function routerMac(): Promise<string> {
  const { stdout } = await bed.router.run(['ip', '-j', 'link', 'show', 'dev', 'eth0'])
  return JSON.parse(stdout)[0].address
}
