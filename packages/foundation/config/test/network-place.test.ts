import { networkNames, networkPlace, parseFlags, resolveNodeConfig } from '@trilane/config'
import { describe, expect, it } from 'vitest'

const configOf = (...args: string[]) => resolveNodeConfig({ flags: parseFlags(args), env: {} })

describe('a node of one network', () => {
  it('has the plain places, whatever the network is called', () => {
    const config = configOf('--network-name=blue', '--net-config-path=/n.json')
    expect(networkNames(config)).toEqual(['blue'])
    expect(networkPlace(config, 'blue')).toEqual(config)
  })
})

describe('a node of several networks', () => {
  const config = configOf(
    '--networks=default,blue,a-network-with-a-long-name',
    '--net-config-path=/n.json',
    '--net-config-paths=blue=/blue.json',
    '--etcd-prefix=/coreos.com/network/'
  )

  it('serves them in their order', () => {
    expect(networkNames(config)).toEqual(['default', 'blue', 'a-network-with-a-long-name'])
    expect(config.networkName).toBe('default')
  })

  it('has the plain places for default', () => {
    expect(networkPlace(config, 'default')).toEqual(config)
  })

  it('has for each other one places of its own', () => {
    expect(networkPlace(config, 'blue')).toMatchObject({
      networkName: 'blue',
      netConfigPath: '/blue.json',
      storeDirectory: '/var/lib/trilane/store/blue',
      storeCacheDirectory: '/var/lib/trilane/store-cache-blue',
      subnetFile: '/run/flannel/networks/blue.env',
      bridge: 'cni-blue',
      etcd: { prefix: '/coreos.com/network/blue' }
    })
  })

  it('shares nothing between two of them that is written', () => {
    const places = networkNames(config).map((name) => networkPlace(config, name))
    for (const key of [
      'storeDirectory',
      'storeCacheDirectory',
      'subnetFile',
      'bridge',
      'netConfigPath'
    ] as const) {
      const values = places.map((place) => place[key]).filter((value) => value !== undefined)
      expect(new Set(values).size, key).toBe(values.length)
    }
    for (const { bridge } of places) expect(bridge.length).toBeLessThanOrEqual(15)
  })

  it.each([
    [['--networks=blue,blue'], '--networks'],
    [['--networks=a/b'], '--networks'],
    [['--networks=blue', '--network-name=green'], '--network-name'],
    [['--net-config-paths=blue=/b'], '--net-config-paths'],
    [['--networks=blue', '--net-config-paths=green=/b'], '--net-config-paths'],
    [['--networks=default,blue', '--net-config-paths=default=/b'], '--net-config-paths'],
    [['--networks=blue', '--net-config-paths=blue=relative'], '--net-config-paths']
  ])('refuses %s', (args, path) => {
    expect(() => configOf(...args)).toThrow(
      expect.objectContaining({ code: 'TRI_CONFIG_INVALID', values: expect.objectContaining({ path }) })
    )
  })
})
