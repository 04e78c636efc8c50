import { Prefix } from '@trilane/ip'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADDRESSES, Site, WISH, wishing } from './site.ts'

let site: Site
beforeAll(async () => {
  site = await Site.create('fw-sources')
  await site.loop.wish(WISH)
})
afterAll(() => site?.dispose())

/** Is our table as it was? */
async function stands(): Promise<boolean> {
  const { stdout } = await site.node.run(['nft', 'list', 'tables'], { anyStatus: true })
  return stdout.includes('table inet trilane')
}

describe.each(['v4', 'v6'] as const)('the source that the receiver sees, %s', (family) => {
  const own = ADDRESSES[family]

  /** Who sends what where, and the source that arrives: flannel's seven rules of its iptables mode. */
  const cases = {
    'own pod → remote pod': [() => site.at.remotePod.sourceOf(site.pod, own.remotePod), own.pod],
    'remote pod → own pod': [() => site.at.pod.sourceOf(site.remotePod, own.pod), own.remotePod],
    'own pod → outside': [() => site.at.outside.sourceOf(site.pod, own.outside), own.wan],
    'remote pod → outside, through this node': [
      () => site.at.outside.sourceOf(site.remotePod, own.outside),
      own.wan
    ],
    'host → remote pod': [
      () => site.at.remotePod.sourceOf(site.node, own.remotePod, { source: own.host }),
      own.node
    ],
    'outside → own pod': [() => site.at.pod.sourceOf(site.outside, own.pod), own.outside],
    'outside → remote pod': [() => site.at.remotePod.sourceOf(site.outside, own.remotePod), own.node],
    'an address of the network → multicast': [
      () =>
        site.at.remoteNode.sourceOf(site.node, own.group, {
          source: own.gateway,
          device: family === 'v4' ? own.node : 'eth0'
        }),
      own.gateway
    ]
  } as const

  for (const [what, [seen, expected]] of Object.entries(cases)) {
    it(what, async () => {
      expect(await seen()).toBe(expected)
    })
  }

  it('all of it again after the whole ruleset was flushed, which is undone within a second', async () => {
    const flushedMs = performance.now()
    await site.nft('flush ruleset')
    await site.until('the table stands', stands)
    expect(performance.now() - flushedMs).toBeLessThan(1_000)
    for (const [what, [seen, expected]] of Object.entries(cases)) expect(await seen(), what).toBe(expected)
  })

  it.each([
    ['0x4000', own.pod],
    ['0x4000 with other bits', own.pod],
    ['other bits alone', own.wan]
  ])('own pod → outside, marked with %s as kube-proxy does', async (mark, expected) => {
    const value = { '0x4000': '0x4000', 'other bits alone': '0x8001' }[mark] ?? '0xc001'
    await site.nft(
      `table inet kube { chain pre { type filter hook prerouting priority mangle; meta mark set ${value}; }; }`
    )
    try {
      expect(await site.at.outside.sourceOf(site.pod, own.outside)).toBe(expected)
    } finally {
      await site.nft('delete table inet kube')
    }
  })

  it('own pod → a destination that is not masqueraded, and another', async () => {
    const keepSourceTo = [Prefix.parse(family === 'v4' ? '203.0.113.0/28' : '2001:db8:113::/64')]
    await site.loop.wish({ ...WISH, keepSourceTo })
    try {
      expect(await site.at.outside.sourceOf(site.pod, own.outside)).toBe(own.pod)
      expect(await site.at.remoteNode.sourceOf(site.pod, own.remoteNode)).toBe(own.node)
    } finally {
      await site.loop.wish(WISH)
    }
  })

  it('own pod → outside, without masquerade', async () => {
    await site.loop.wish(wishing({ masquerade: false }))
    try {
      expect(await site.at.outside.sourceOf(site.pod, own.outside)).toBe(own.pod)
      expect(await site.run('nft', 'list', 'table', 'inet', 'trilane')).not.toMatch(/nat|masquerade/)
    } finally {
      await site.loop.wish(WISH)
    }
  })

  it("own pod → outside, where an administrator's own SNAT comes first", async () => {
    const to = family === 'v4' ? `snat ip to ${own.host}` : `snat ip6 to ${own.host}`
    await site.nft(
      `table inet site { chain post { type nat hook postrouting priority srcnat; oifname "eth1" ${to}; }; }`
    )
    try {
      expect(await site.at.outside.sourceOf(site.pod, own.outside)).toBe(own.host)
    } finally {
      await site.nft('delete table inet site')
    }
  })
})
