import { describe, expect, it } from 'vitest'
import { parseFlags } from '../src/index.ts'

describe('paths on the command line', () => {
  it.each([
    ['configs/net.yaml', '/srv/trilane/configs/net.yaml'],
    ['../net.yaml', '/srv/trilane/../net.yaml'],
    ['/etc/net.yaml', '/etc/net.yaml']
  ])('%s is %s', (given, path) => {
    expect(parseFlags(['--net-config-path', given], '/srv/trilane')).toEqual({ 'net-config-path': [path] })
    expect(parseFlags([`--net-config-path=${given}`], '/srv/trilane')).toEqual({ 'net-config-path': [path] })
  })

  it('leaves what is no path alone', () => {
    expect(parseFlags(['--node-name', 'a/b', '--iface=eth0'], '/srv')).toEqual({
      'node-name': ['a/b'],
      iface: ['eth0']
    })
  })

  it('leaves an empty value for the check to refuse', () => {
    expect(parseFlags(['--net-config-path='], '/srv')).toEqual({ 'net-config-path': [''] })
  })
})
