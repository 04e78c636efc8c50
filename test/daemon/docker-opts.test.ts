import { readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Captured, type Place, Testbed } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TRILANE } from './trilane.ts'

let bed: Testbed
let host: Place
const path = (name: string): string => join(bed.directory, name)

beforeAll(async () => {
  bed = await Testbed.create({ name: 'docker-opts' })
  host = await bed.addNode('a', { switch: await bed.addSwitch('lan'), addresses: ['192.168.77.1/24'] })
  await writeFile(
    path('subnet.env'),
    'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n'
  )
})

afterAll(() => bed?.dispose())

const dockerOpts = (...words: readonly string[]): Promise<Captured> =>
  host.run([TRILANE, 'docker-opts', ...words], { anyStatus: true })

const TEXT = `DOCKER_OPT_BIP="--bip=10.1.74.1/24"
DOCKER_OPT_IPMASQ="--ip-masq=true"
DOCKER_OPT_MTU="--mtu=1472"
DOCKER_OPTS=" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"
`

describe('trilane docker-opts', () => {
  it('writes the file that Docker reads', async () => {
    const result = await dockerOpts('-f', path('subnet.env'), '-d', path('docker.env'))
    expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' })
    expect(await readFile(path('docker.env'), 'utf8')).toBe(TEXT)
    expect((await stat(path('docker.env'))).mode & 0o777).toBe(0o644)
    await dockerOpts('-f', path('subnet.env'), '-d', path('docker.env'), '-m', '-c', '-k', 'OPTS')
    expect(await readFile(path('docker.env'), 'utf8')).toBe('OPTS=" --bip=10.1.74.1/24 --mtu=1472"\n')
  })

  it('writes to what is no plain file, and leaves it what it is', async () => {
    // As /dev/stdout is: a link to something that has no path of its own.
    await symlink('/proc/self/fd/1', path('stdout'))
    // A pipe: the sockets that Node gives its children cannot be opened by a path.
    const piped = `${TRILANE} docker-opts -f ${path('subnet.env')} -d ${path('stdout')} | cat`
    expect((await host.run(['sh', '-c', piped])).stdout).toBe(TEXT)
    expect(await readlink(path('stdout'))).toBe('/proc/self/fd/1')
  })

  it('ends with 1 when the subnet is routed by a gateway, after the file was written', async () => {
    const words = ['-f', path('subnet.env'), '-d', path('routed.env')]
    await host.run(['ip', 'route', 'add', '10.1.74.0/24', 'dev', 'eth0'])
    expect(await dockerOpts(...words)).toMatchObject({ status: 0 })
    await host.run(['ip', 'route', 'replace', '10.1.74.0/24', 'via', '192.168.77.9'])
    const { status, stderr } = await dockerOpts(...words)
    expect(stderr).toContain(
      'the routing table already contains the subnet 10.1.74.0/24: 10.1.74.0/24 via 192.168.77.9'
    )
    expect(status).toBe(1)
    expect(await readFile(path('routed.env'), 'utf8')).toBe(TEXT)
    await host.run(['ip', 'route', 'del', '10.1.74.0/24'])
  })

  it.each<[string, string[], number, string]>([
    ['no subnet.env', ['-f', '/nowhere/subnet.env'], 1, 'TRI_FILE: read /nowhere/subnet.env'],
    ['an option that nobody knows', ['-x'], 2, '-x'],
    ['a key that is no name', ['-k', 'a b'], 2, '"a b" is no name']
  ])('says what is wrong: %s', async (_, words, expected, text) => {
    const { status, stderr } = await dockerOpts('-d', path('none.env'), ...words)
    expect(stderr).toContain(text)
    expect(status).toBe(expected)
    await expect(stat(path('none.env'))).rejects.toThrow('ENOENT')
  })

  it('has help', async () => {
    const { status, stdout } = await dockerOpts('--help')
    expect(stdout).toContain('/run/flannel/subnet.env')
    expect(status).toBe(0)
  })
})
