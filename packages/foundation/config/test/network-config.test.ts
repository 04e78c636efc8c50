import type { NetworkConfig } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseNetworkConfig } from '../src/index.ts'
import { refusal } from './errors.ts'

const parse = (text: string): NetworkConfig => parseNetworkConfig(text, { source: 'net-conf.json' })
const refused = (text: string) => refusal(() => parse(text))

/** One family as texts, to compare at a glance. */
function v4(text: string): string {
  const family = parse(text).families.v4
  if (family === undefined) throw new Error('IPv4 is off')
  return `${family.network} /${family.subnetLength} ${family.subnetMin} ${family.subnetMax}`
}

function v6(text: string): string {
  const family = parse(text).families.v6
  if (family === undefined) throw new Error('IPv6 is off')
  return `${family.network} /${family.subnetLength} ${family.subnetMin} ${family.subnetMax}`
}

describe('defaults', () => {
  it('of a /24 that is cut into slices: all but the first one', () => {
    expect(v4('{Network: 192.168.77.0/24, SubnetLen: 28, Backend: {Type: macvlan}}')).toBe(
      '192.168.77.0/24 /28 192.168.77.16 192.168.77.240'
    )
    expect(v4('{Network: 192.168.77.0/24, SubnetLen: 30, Backend: {Type: macvlan}}')).toBe(
      '192.168.77.0/24 /30 192.168.77.4 192.168.77.252'
    )
  })

  it("are flannel's", () => {
    expect(parse('{ "network": "10.3.0.0/16" }')).toEqual({
      name: 'default',
      families: {
        v4: {
          network: Prefix.parse('10.3.0.0/16'),
          subnetLength: 24,
          subnetMin: IpAddress.parse('10.3.1.0'),
          subnetMax: IpAddress.parse('10.3.255.0')
        }
      },
      backend: { type: 'udp', options: {} },
      enableNftables: false
    })
  })

  it.each([
    ['10.0.0.0/8', '10.0.0.0/8 /24 10.0.1.0 10.255.255.0'],
    ['10.5.0.0/22', '10.5.0.0/22 /24 10.5.1.0 10.5.3.0'],
    ['10.5.0.0/23', '10.5.0.0/23 /25 10.5.0.128 10.5.1.128'],
    ['10.5.0.0/28', '10.5.0.0/28 /30 10.5.0.4 10.5.0.12'],
    ['10.5.3.7/16', '10.5.0.0/16 /24 10.5.1.0 10.5.255.0']
  ])('of IPv4 %s', (network, expected) => {
    expect(v4(`Network: ${network}`)).toBe(expected)
  })

  it.each([
    ['fc00::/48', 'fc00::/48 /64 fc00:0:0:1:: fc00:0:0:ffff::'],
    ['fc00::/62', 'fc00::/62 /64 fc00:0:0:1:: fc00:0:0:3::'],
    ['fc00::/63', 'fc00::/63 /65 fc00::8000:0:0:0 fc00:0:0:1:8000::'],
    ['fc00::/124', 'fc00::/124 /126 fc00::4 fc00::c']
  ])('of IPv6 %s', (network, expected) => {
    expect(v6(`{"EnableIPv4": false, "EnableIPv6": true, "IPv6Network": "${network}"}`)).toBe(expected)
  })

  it('takes every key', () => {
    const config = parseNetworkConfig(
      `{"EnableIPv4": true, "EnableIPv6": true, "EnableNFTables": true,
        "Network": "10.0.0.0/8", "SubnetLen": 20, "SubnetMin": "10.10.0.0", "SubnetMax": "10.99.0.0",
        "IPv6Network": "fd00:5::/48", "IPv6SubnetLen": 60, "IPv6SubnetMin": "fd00:5:0:100::", "IPv6SubnetMax": "fd00:5:0:fff0::",
        "Backend": {"Type": "VXLAN", "VNI": 5, "DirectRouting": true}}`,
      { source: 'x', name: 'blue' }
    )
    expect(config.name).toBe('blue')
    expect(config.enableNftables).toBe(true)
    expect(config.backend).toMatchObject({ type: 'vxlan', options: { VNI: 5, DirectRouting: true } })
    expect(JSON.parse(JSON.stringify(config.families))).toEqual({
      v4: { network: '10.0.0.0/8', subnetLength: 20, subnetMin: '10.10.0.0', subnetMax: '10.99.0.0' },
      v6: {
        network: 'fd00:5::/48',
        subnetLength: 60,
        subnetMin: 'fd00:5:0:100::',
        subnetMax: 'fd00:5:0:fff0::'
      }
    })
  })

  it('come back for 0, the unspecified address and null', () => {
    const text =
      '{"Network":"10.3.0.0/16","SubnetLen":0,"SubnetMin":"0.0.0.0","SubnetMax":null,"EnableIPv4":null}'
    expect(v4(text)).toBe(v4('Network: 10.3.0.0/16'))
  })
})

describe('YAML and JSON', () => {
  it('say the same', () => {
    const yaml = `
# an underlay
Network: 192.168.77.0/24
SubnetLen: 28
SubnetMin: 192.168.77.64
SubnetMax: 192.168.77.224
Backend:
  Type: macvlan
  Mode: bridge
  VLAN: 100
`
    const json =
      '{"Network":"192.168.77.0/24","SubnetLen":28,"SubnetMin":"192.168.77.64","SubnetMax":"192.168.77.224",' +
      '"Backend":{"Type":"macvlan","Mode":"bridge","VLAN":100}}'
    expect(parse(yaml)).toEqual(parse(json))
    expect(v4(yaml)).toBe('192.168.77.0/24 /28 192.168.77.64 192.168.77.224')
  })

  it.each(['\t', '  ', '\r\n'])('take JSON indented with %j', (indent) => {
    expect(v4(`{\n${indent}"Network":${indent}"10.3.0.0/16"\n}`)).toBe(v4('Network: 10.3.0.0/16'))
  })

  it('match keys without regard to case; the later duplicate wins, unless it is null', () => {
    expect(v4('{"Network":"10.1.0.0/16","NETWORK":"10.2.0.0/16"}')).toContain('10.2.0.0/16')
    expect(v4('network: 10.1.0.0/16\nNetwork: 10.2.0.0/16\nnetwork: 10.3.0.0/16')).toContain('10.3.0.0/16')
    expect(v4('{"Network":"10.1.0.0/16","network":null}')).toContain('10.1.0.0/16')
  })

  it('keep the backend options as written, later duplicates last', () => {
    const { options } = parse(
      '{"Network":"10.1.0.0/16","Backend":{"VNI":1,"vni":2,"tYPE":"x","VNI":3,"Deep":[{"a":null}]}}'
    ).backend
    expect(Object.entries(options)).toEqual([
      ['vni', 2],
      ['VNI', 3],
      ['Deep', [{ a: null }]]
    ])
  })

  it('ignore unknown keys, __proto__ and constructor among them', () => {
    const config = parse(
      '{"Network":"10.1.0.0/16","__proto__":{"x":1},"constructor":1,"Backend":{"__proto__":{"y":1},"Type":"host-gw"}}'
    )
    expect(config.backend.type).toBe('host-gw')
    expect(Object.keys(config.backend.options)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(config.backend.options)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })
})

describe('the backend type', () => {
  it.each([
    ['absent', '{"Network":"10.1.0.0/16"}', 'udp'],
    ['null', '{"Network":"10.1.0.0/16","Backend":null}', 'udp'],
    ['without Type', '{"Network":"10.1.0.0/16","Backend":{}}', ''],
    ['in capitals', '{"Network":"10.1.0.0/16","backend":{"type":"Host-GW"}}', 'host-gw']
  ])('%s', (_, text, type) => {
    expect(parse(text).backend.type).toBe(type)
  })
})

describe('a refusal names the key, the value as written and what is allowed', () => {
  it.each([
    ['Network', '"10.5.0.0/33"', '{"Network": "10.5.0.0/33"}'],
    ['Network', '10.5.0.0', 'Network: 10.5.0.0'],
    ['Network', '010.5.0.0/16', 'Network: 010.5.0.0/16'],
    ['Network', 'fd00::/48', 'Network: fd00::/48'],
    ['Network', '10', '{"Network": 10}'],
    ['Network', '["10.5.0.0/16"]', '{"Network": ["10.5.0.0/16"]}'],
    ['Network', '""', '{"Network": ""}'],
    ['Network', '0.0.0.0/0', 'Network: 0.0.0.0/0'],
    ['Network', '127.0.0.0/8', 'Network: 127.0.0.0/8'],
    ['Network', '224.0.0.0/8', 'Network: 224.0.0.0/8'],
    ['Network', 'nothing', '{}'],
    ['Network', 'nothing', '{"Network": null}'],
    ['Network', '10.5.0.0/29', 'Network: 10.5.0.0/29'],
    ['SubnetLen', '31', '{"Network":"10.5.0.0/16","SubnetLen":31}'],
    ['SubnetLen', '17', '{"Network":"10.5.0.0/16","SubnetLen":17}'],
    ['SubnetLen', '30', '{"Network":"10.5.0.0/29","SubnetLen":30}'],
    ['SubnetLen', '-1', '{"Network":"10.5.0.0/16","SubnetLen":-1}'],
    ['SubnetLen', '24.0', '{"Network":"10.5.0.0/16","SubnetLen":24.0}'],
    ['SubnetLen', '2.4e1', '{"Network":"10.5.0.0/16","SubnetLen":2.4e1}'],
    ['SubnetLen', '"24"', '{"Network":"10.5.0.0/16","SubnetLen":"24"}'],
    ['SubnetLen', '0x18', 'Network: 10.5.0.0/16\nSubnetLen: 0x18'],
    ['SubnetMin', '10.6.0.0', 'Network: 10.5.0.0/16\nSubnetMin: 10.6.0.0'],
    ['SubnetMin', '10.5.1.1', 'Network: 10.5.0.0/16\nSubnetMin: 10.5.1.1'],
    ['SubnetMax', '10.4.0.0', 'Network: 10.5.0.0/16\nSubnetMax: 10.4.0.0'],
    ['SubnetMax', '10.5.9.128', 'Network: 10.5.0.0/16\nSubnetMax: 10.5.9.128'],
    ['SubnetMax', '10.5.3.0', 'Network: 10.5.0.0/16\nSubnetMin: 10.5.9.0\nSubnetMax: 10.5.3.0'],
    ['SubnetMax', '10.5.0.0', 'Network: 10.5.0.0/16\nSubnetMax: 10.5.0.0'],
    ['SubnetMin', '10.5', 'Network: 10.5.0.0/16\nSubnetMin: 10.5'],
    ['EnableIPv4', 'yes', 'EnableIPv4: yes\nNetwork: 10.5.0.0/16'],
    ['EnableIPv4', '1', '{"EnableIPv4":1}'],
    ['EnableIPv4', '"true"', '{"EnableIPv4":"true"}'],
    ['EnableNFTables', 'on', 'EnableNFTables: on\nNetwork: 10.5.0.0/16'],
    ['EnableIPv4', 'false', 'EnableIPv4: false\nNetwork: 10.5.0.0/16'],
    ['IPv6Network', 'nothing', '{"Network":"10.5.0.0/16","EnableIPv6":true}'],
    ['IPv6Network', '10.5.0.0/16', 'EnableIPv6: true\nNetwork: 10.5.0.0/16\nIPv6Network: 10.5.0.0/16'],
    [
      'IPv6Network',
      '::ffff:10.5.0.0/112',
      'EnableIPv6: true\nNetwork: 10.5.0.0/16\nIPv6Network: ::ffff:10.5.0.0/112'
    ],
    ['IPv6Network', 'fd00::/125', 'EnableIPv6: true\nNetwork: 10.5.0.0/16\nIPv6Network: fd00::/125'],
    [
      'IPv6SubnetLen',
      '127',
      'EnableIPv6: true\nNetwork: 10.5.0.0/16\nIPv6Network: fd00::/48\nIPv6SubnetLen: 127'
    ],
    [
      'IPv6SubnetLen',
      '49',
      'EnableIPv6: true\nNetwork: 10.5.0.0/16\nIPv6Network: fd00::/48\nIPv6SubnetLen: 49'
    ],
    [
      'IPv6SubnetMin',
      '"fe00::"',
      'EnableIPv6: true\nNetwork: 10.5.0.0/16\nIPv6Network: fd00::/48\nIPv6SubnetMin: "fe00::"'
    ],
    ['Backend', 'vxlan', 'Network: 10.5.0.0/16\nBackend: vxlan'],
    ['Backend', '[]', '{"Network":"10.5.0.0/16","Backend":[]}'],
    ['Backend.Type', '1', '{"Network":"10.5.0.0/16","Backend":{"Type":1}}'],
    ['net-conf.json', '[1]', '[1]'],
    ['net-conf.json', 'hello', 'hello']
  ])('%s: %s', (path, value, text) => {
    expect(refused(text)).toMatchObject({ code: 'TRI_CONFIG_INVALID', path, value })
  })

  it('says where', () => {
    expect(refused('Network: 10.5.0.0/16\n\nSubnetLen: 99').details).toBe('at net-conf.json:3')
  })

  it('finds a misspelt Network', () => {
    expect(refused('Netwrok: 10.5.0.0/16').allowed).toContain('"Netwrok" (net-conf.json:1)')
  })
})

describe('text that is neither YAML nor JSON', () => {
  it.each([
    ['empty', '', 'it is empty'],
    ['only comments', '# nothing\n', 'it is empty'],
    ['null', 'null', 'it is empty'],
    ['cut off', '{"Network": "10.5.0.0/16"', 'line 1, column 26'],
    ['with trailing garbage', '{"Network": "10.5.0.0/16"} x', 'line 1, column 28'],
    ['two documents', 'Network: 10.5.0.0/16\n---\nNetwork: 10.6.0.0/16', 'line 2, column 1'],
    ['tabs for indentation', 'Backend:\n\tType: vxlan', 'line 2, column 1'],
    ['an alias', 'Network: &a 10.5.0.0/16\nSubnetMin: *a', 'an alias at line 2, column 12'],
    ['a list as a key', '? [1]\n: 2', 'a key that is no text'],
    ['flow too deep', `{"Backend": ${'['.repeat(100_000)}`, 'nested'],
    ['blocks too deep', `Backend: \n  ${'- '.repeat(50_000)}`, 'nested'],
    ['closed and too deep', `{"Backend": ${'['.repeat(40)}${']'.repeat(40)}}`, 'nested more than 32 deep'],
    ['ten megabytes', `{"Network": "${'x'.repeat(10_000_000)}"}`, 'at most 262144']
  ])('%s', (_, text, problem) => {
    const error = refused(text)
    expect(error).toMatchObject({ code: 'TRI_CONFIG_SYNTAX', source: 'net-conf.json' })
    expect(error.problem).toContain(problem)
  })

  it('does not expand a bomb of aliases', () => {
    const levels = Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`)
    expect(refused(`a0: &a0 [x]\n${levels.join('\n')}`).code).toBe('TRI_CONFIG_SYNTAX')
  })

  it('explains an IPv6 address that needs quotes', () => {
    expect(refused('IPv6SubnetMin: fd00:5:0:1::\nNetwork: 10.5.0.0/16').details).toContain('needs quotes')
  })
})

describe('properties', () => {
  it('any text gives a config or an error of ours', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' })), (text) => {
        try {
          parse(text)
        } catch (error) {
          expect(error).toHaveProperty('code', expect.stringMatching(/^TRI_CONFIG_(SYNTAX|INVALID)$/))
        }
      })
    )
  })

  it('default minimum and maximum are first addresses of subnets inside the network', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 24), fc.integer({ min: 8, max: 28 }), (host, length) => {
        const network = Prefix.of(IpAddress.fromBits('v4', 0x0a000000n + BigInt(host)), length)
        const family = parse(`Network: ${network}`).families.v4
        expect(family?.network.toString()).toBe(network.toString())
        for (const address of [family?.subnetMin, family?.subnetMax]) {
          expect(address && network.contains(Prefix.of(address, family?.subnetLength ?? 0))).toBe(true)
        }
      })
    )
  })
})
