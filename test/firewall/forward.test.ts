import { firewallRemoval } from '@trilane/firewall'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ADDRESSES, Site, WISH, wishing } from './site.ts'

const FAMILIES = ['v4', 'v6'] as const

/** How often the old iptables, which tells nobody of changes, is read here. */
const RESYNC_MS = 300

let site: Site
beforeEach(async () => {
  site = await Site.create('fw-forward', RESYNC_MS)
})
afterEach(() => site?.dispose())

/** Which packets come through, in both families: pods', and those that are no pod's. */
async function passing(): Promise<Record<string, readonly boolean[]>> {
  const both = async (sent: (family: (typeof FAMILIES)[number]) => Promise<string | undefined>) =>
    (await Promise.all(FAMILIES.map(sent))).map((source) => source !== undefined)
  const [fromPod = [], toPod = [], ofOthers = []] = await Promise.all([
    both((family) => site.at.remotePod.sourceOf(site.pod, ADDRESSES[family].remotePod)),
    both((family) => site.at.pod.sourceOf(site.outside, ADDRESSES[family].pod)),
    both((family) => site.at.remoteNode.sourceOf(site.outside, ADDRESSES[family].remoteNode))
  ])
  return { fromPod, toPod, ofOthers }
}

const NOTHING = { fromPod: [false, false], toPod: [false, false], ofOthers: [false, false] }
const PODS_ONLY = { fromPod: [true, true], toPod: [true, true], ofOthers: [false, false] }
const EVERYTHING = { fromPod: [true, true], toPod: [true, true], ofOthers: [true, true] }

const ACCEPTS = [
  '-A FORWARD -s 10.5.0.0/16 -m comment --comment trilane -j ACCEPT',
  '-A FORWARD -d 10.5.0.0/16 -m comment --comment trilane -j ACCEPT'
]

const DROPS = [
  {
    who: 'the old iptables, policy DROP',
    drop: async () => {
      for (const word of ['ip', 'ip6']) {
        await site.run(`${word}tables-legacy`, '-P', 'FORWARD', 'DROP')
        await site.run(`${word}tables-legacy`, '-A', 'FORWARD', '-i', 'eth7', '-j', 'ACCEPT')
      }
    },
    flushAccepts: async () => {
      for (const word of ['ip', 'ip6']) await site.run(`${word}tables-legacy`, '-F', 'FORWARD')
    },
    listing: () => site.run('iptables-legacy', '-S', 'FORWARD'),
    shown: ACCEPTS
  },
  {
    who: 'iptables-nft, policy DROP',
    drop: async () => {
      for (const word of ['ip', 'ip6']) {
        await site.run(`${word}tables-nft`, '-P', 'FORWARD', 'DROP')
        await site.run(`${word}tables-nft`, '-A', 'FORWARD', '-i', 'eth7', '-j', 'ACCEPT')
      }
    },
    flushAccepts: async () => {
      for (const word of ['ip', 'ip6']) await site.run(`${word}tables-nft`, '-F', 'FORWARD')
    },
    listing: () => site.run('iptables-nft', '-S', 'FORWARD'),
    shown: ACCEPTS
  },
  {
    who: 'Docker on iptables-nft',
    drop: async () => {
      for (const word of ['ip', 'ip6']) {
        await site.run(`${word}tables-nft`, '-P', 'FORWARD', 'DROP')
        await site.run(`${word}tables-nft`, '-N', 'DOCKER-USER')
        await site.run(`${word}tables-nft`, '-A', 'FORWARD', '-j', 'DOCKER-USER')
        await site.run(`${word}tables-nft`, '-A', 'FORWARD', '-j', 'DROP')
      }
    },
    flushAccepts: async () => {
      for (const word of ['ip', 'ip6']) await site.run(`${word}tables-nft`, '-F', 'DOCKER-USER')
    },
    listing: () => site.run('iptables-nft', '-S', 'DOCKER-USER'),
    shown: ACCEPTS.map((line) => line.replace('FORWARD', 'DOCKER-USER'))
  },
  {
    who: "an administrator's chain of nft, policy drop",
    drop: () =>
      site.nft(
        'table inet site { chain through { type filter hook forward priority 10; policy drop; iifname "eth7" accept; }; }'
      ),
    flushAccepts: () => site.nft('flush chain inet site through'),
    listing: () => site.run('nft', '-s', 'list', 'chain', 'inet', 'site', 'through'),
    shown: ['ip saddr 10.5.0.0/16 counter accept comment "trilane"']
  }
]

describe.each(DROPS)('$who', ({ drop, flushAccepts, listing, shown }) => {
  const accepted = async (): Promise<boolean> => {
    const lines = await listing()
    return shown.every((line) => lines.includes(line))
  }

  it('lets pods through and nobody else, again after a flush, and no longer than wished', async () => {
    await drop()
    expect(await passing()).toEqual(NOTHING)
    const before = await listing()

    expect((await site.loop.wish(WISH)).warnings).toEqual([])
    expect(await accepted()).toBe(true)
    expect(await passing()).toEqual(PODS_ONLY)

    await flushAccepts()
    await site.until('the accepts are back', accepted)
    expect(await passing()).toEqual(PODS_ONLY)

    await site.loop.wish(wishing({ forwardAccept: false }))
    expect(await listing()).not.toContain('trilane')
    expect(await passing()).toEqual(NOTHING)

    await flushAccepts()
    await drop().catch(() => {})
    await site.loop.wish(WISH)
    site.loop.stop()
    const { commands, run } = await firewallRemoval(site.firewall)
    expect(commands).toHaveLength(commands.some((command) => command.includes('inet site')) ? 2 : 3)
    await run()
    expect(await listing()).not.toContain('trilane')
    expect(await site.run('nft', 'list', 'tables')).not.toContain('trilane')
    expect(before).not.toContain('trilane')
  })
})

it('nothing is put into chains of others on a host that drops nothing', async () => {
  const foreign =
    'table inet site { chain through { type filter hook forward priority 0; policy accept; counter; }; }'
  await site.nft(foreign)
  await site.run('iptables-legacy', '-A', 'FORWARD', '-i', 'eth7', '-j', 'DROP')
  const before = [
    await site.run('nft', '-s', 'list', 'table', 'inet', 'site'),
    await site.run('iptables-legacy', '-S')
  ]
  expect(await site.loop.wish(WISH)).toMatchObject({ standing: true, writes: 1, warnings: [] })
  expect(await passing()).toEqual(EVERYTHING)
  expect([
    await site.run('nft', '-s', 'list', 'table', 'inet', 'site'),
    await site.run('iptables-legacy', '-S')
  ]).toEqual(before)
})

it('what firewalld rejects is named, until an administrator lets it through', async () => {
  const zone = (rule: string): string => `table inet firewalld {
  chain filter_FORWARD {
    type filter hook forward priority filter + 10; policy accept;
    ct state { established, related } accept
    jump filter_FORWARD_ZONES
    ct state invalid drop
    reject with icmpx admin-prohibited
  }
  chain filter_FORWARD_ZONES { ${rule} }
  chain filter_FWD_trusted { accept; }
}`
  await site.nft(zone(''))
  const { warnings } = await site.loop.wish(WISH)
  expect(warnings.map(({ code }) => code)).toEqual(['TRI_FORWARD_REFUSED'])
  expect(warnings[0]?.remedy).toContain('firewall-cmd --permanent --zone=trusted --add-source=10.5.0.0/16')
  expect((await passing()).fromPod).toEqual([false, false])
  await site.nft(
    `delete table inet firewalld\n${zone('ip saddr 10.5.0.0/16 goto filter_FWD_trusted; ip6 saddr fd00:5::/48 goto filter_FWD_trusted;')}`
  )
  await site.until('the warning is gone', async () => site.loop.status.warnings.length === 0)
  expect((await passing()).fromPod).toEqual([true, true])
})

it('flannel is followed without a moment without rules; what others have stays', async () => {
  const { v4 } = ADDRESSES
  for (const tool of ['nft', 'legacy']) {
    const iptables = `iptables-${tool}`
    await site.run(
      'sh',
      '-ec',
      `${iptables} -t nat -N FLANNEL-POSTRTG
${iptables} -t nat -A POSTROUTING -s 198.51.100.0/24 -j MASQUERADE
${iptables} -t nat -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
${iptables} -t nat -A FLANNEL-POSTRTG -s 10.5.1.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
${iptables} -t nat -A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE
${iptables} -N FLANNEL-FWD
${iptables} -A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
${iptables} -A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT`
    )
  }
  await site.nft(
    'table ip flannel-ipv4 { chain postrtg { type nat hook postrouting priority srcnat; }; }\ntable ip6 flannel-ipv6 { chain forward { type filter hook forward priority 0; }; }'
  )
  expect(await site.at.outside.sourceOf(site.pod, v4.outside)).toBe(v4.wan)
  expect(await site.loop.wish(WISH)).toMatchObject({ standing: true, warnings: [] })
  const all = async (): Promise<string> => {
    const listings = [
      ['nft', 'list', 'ruleset'],
      ['iptables-legacy', '-t', 'nat', '-S'],
      ['iptables-legacy', '-S']
    ].map((argv) => site.run(...argv))
    return (await Promise.all(listings)).join('\n')
  }
  const left = await all()
  expect(left).not.toMatch(/flannel/i)
  expect(left).toContain('-A POSTROUTING -s 198.51.100.0/24 -j MASQUERADE')
  expect(left).toMatch(/ip saddr 198\.51\.100\.0\/24.*masquerade/)
  expect(await site.at.outside.sourceOf(site.pod, v4.outside)).toBe(v4.wan)
})
