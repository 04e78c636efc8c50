import { parseDotenv } from '@trilane/config'
import { describe, expect, it } from 'vitest'
import { type DockerOptionsWish, dockerOptions } from '../src/docker-options.ts'

const SAMPLE = parseDotenv(
  'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n'
)
const wish = (more: Partial<DockerOptionsWish> = {}): DockerOptionsWish => ({
  individual: false,
  combined: false,
  ipMasq: true,
  key: 'DOCKER_OPTS',
  ...more
})

const BIP = 'DOCKER_OPT_BIP="--bip=10.1.74.1/24"\n'
const IPMASQ = 'DOCKER_OPT_IPMASQ="--ip-masq=true"\n'
const MTU = 'DOCKER_OPT_MTU="--mtu=1472"\n'

describe('what mk-docker-opts.sh writes', () => {
  it.each<[string, Partial<DockerOptionsWish>, string]>([
    ['by itself', {}, `${BIP}${IPMASQ}${MTU}DOCKER_OPTS=" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n`],
    ['with -i', { individual: true }, `${BIP}${IPMASQ}${MTU}`],
    ['with -c', { combined: true }, 'DOCKER_OPTS=" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n'],
    [
      'with -k',
      { key: 'CUSTOM_KEY' },
      `${BIP}${IPMASQ}${MTU}CUSTOM_KEY=" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n`
    ],
    ['with -m', { ipMasq: false }, `${BIP}${MTU}DOCKER_OPTS=" --bip=10.1.74.1/24 --mtu=1472"\n`],
    [
      'with -i -c',
      { individual: true, combined: true },
      `${BIP}${IPMASQ}${MTU}DOCKER_OPTS=" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n`
    ]
  ])('%s', (_, more, text) => {
    expect(dockerOptions(SAMPLE, {}, wish(more))).toBe(text)
  })

  it('turns the masquerade of Docker off where the daemon masquerades', () => {
    const variables = parseDotenv('FLANNEL_IPMASQ=true')
    expect(dockerOptions(variables, {}, wish({ individual: true }))).toBe(
      'DOCKER_OPT_IPMASQ="--ip-masq=false"\n'
    )
  })

  it('keeps options that the environment has', () => {
    const environment = { DOCKER_OPTS: '--debug', DOCKER_OPT_LOG: '--log-level=warn', OTHER: 'x' }
    expect(dockerOptions(SAMPLE, environment, wish({ combined: true }))).toBe(
      'DOCKER_OPTS="--debug  --bip=10.1.74.1/24 --ip-masq=true --log-level=warn --mtu=1472"\n'
    )
  })

  it('says nothing about what subnet.env does not say', () => {
    expect(dockerOptions(new Map(), {}, wish())).toBe('DOCKER_OPTS=""\n')
  })

  it('refuses a masquerade that is neither on nor off', () => {
    const variables = parseDotenv('FLANNEL_IPMASQ=yes')
    expect(() => dockerOptions(variables, {}, wish())).toThrow(/FLANNEL_IPMASQ: yes is not allowed/)
    expect(dockerOptions(variables, {}, wish({ ipMasq: false }))).toBe('DOCKER_OPTS=""\n')
  })
})
