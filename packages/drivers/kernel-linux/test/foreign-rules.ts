import type { ForeignChain, ForeignRules } from '@trilane/compliance'
import { type FlannelLeftover, nftReplacementOf, type UdpFlows } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import type { TestNamespace } from './namespace.ts'

/** What other programs do, by nft and the old iptables of this machine. */
export function foreignRules({ run }: TestNamespace): ForeignRules {
  const script = (text: string): Promise<string> => run('sh', '-ec', text)
  const nft = (text: string): Promise<string> => script(`cat <<'END' | nft -f -\n${text}\nEND`)
  return {
    flush: async () => void (await nft('flush ruleset')),
    rewrite: async (table) => void (await nft(nftReplacementOf(table))),
    addForwardChain: async (chain) =>
      void (await (chain.tool === 'nft' ? nft(nftChain(chain)) : script(legacyChain(chain)))),
    addLeftover: async (leftover) =>
      void (await (leftover.tool === 'nft' ? nft(nftLeftover(leftover)) : script(legacyLeftover(leftover)))),
    track: async ({ address, port }) => {
      // Without a rule that asks for it the kernel tracks nothing.
      await script(`ip link set lo up; ${TRACKING}`)
      await run('bash', '-c', `echo > /dev/udp/${address}/${port}`)
    },
    tracked: async () => flowsIn(await script('cat /proc/thread-self/net/nf_conntrack'))
  }
}

const TRACKING = `nft 'table inet tracking { chain own { type filter hook output priority 0; ct state new accept
 } 
 }'`

/** `ipv4 2 udp 17 29 src=… dst=… sport=… dport=… [UNREPLIED] src=…`: the first direction is the one asked for. */
function flowsIn(text: string): Required<UdpFlows>[] {
  return text.split('\n').flatMap((line) => {
    const [, destination, port] = / udp .*? dst=(\S+) .*? dport=(\d+)/.exec(line) ?? []
    if (destination === undefined) return []
    const address = IpAddress.parse(destination)
    return [{ family: address.family, address, port: Number(port) }]
  })
}

function nftChain({ family, table, chain, policy, docker, rejects }: ForeignChain): string {
  return `table ${family} ${table} {
  ${docker === true ? 'chain DOCKER-USER { counter; }' : ''}
  chain ${chain} {
    type filter hook forward priority filter; policy ${policy};
    ${docker === true ? 'counter jump DOCKER-USER' : ''}
    ct state invalid drop
    ${rejects === true ? 'counter reject' : ''}
  }
}`
}

function legacyChain({ family, chain, policy, docker, rejects }: ForeignChain): string {
  const iptables = legacyCommand(family)
  const dockerLines = [`${iptables} -N DOCKER-USER`, `${iptables} -A ${chain} -j DOCKER-USER`]
  return [
    `${iptables} -P ${chain} ${policy.toUpperCase()}`,
    ...(docker === true ? dockerLines : []),
    `${iptables} -A ${chain} -i eth7 -m comment --comment trilane -j ACCEPT`,
    ...(rejects === true ? [`${iptables} -A ${chain} -j REJECT`] : [])
  ].join('\n')
}

/** As flanneld makes them, with the jump to each. */
function nftLeftover({ family, table, chain }: FlannelLeftover): string {
  if (chain === undefined) {
    return `table ${family} ${table} { chain forward { type filter hook forward priority filter; ip saddr 10.5.0.0/16 accept; }; chain postrtg { type nat hook postrouting priority srcnat; }; }`.replace(
      'ip saddr 10.5.0.0/16',
      family === 'ip' ? 'ip saddr 10.5.0.0/16' : 'ip6 saddr fd00:5::/48'
    )
  }
  return `table ${family} ${table} {
  chain ${chain} { counter accept; }
  chain ${table === 'nat' ? 'POSTROUTING' : 'OUTPUT'} { counter jump ${chain} comment "flanneld"; }
}`
}

function legacyLeftover({ family, table, chain = '' }: FlannelLeftover): string {
  const iptables = `${legacyCommand(family)} -t ${table}`
  return [
    `${iptables} -N ${chain}`,
    `${iptables} -A ${chain} -m comment --comment "flanneld masq" -j RETURN`,
    `${iptables} -A ${table === 'nat' ? 'POSTROUTING' : 'FORWARD'} -m comment --comment "flanneld masq" -j ${chain}`
  ].join('\n')
}

function legacyCommand(family: string): string {
  return family === 'ip6' ? 'ip6tables-legacy' : 'iptables-legacy'
}
