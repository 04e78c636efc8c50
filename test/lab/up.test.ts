import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, trilane } from '../daemon/trilane.ts'
import { labName, leftovers } from './leftovers.ts'

const name = labName('kept')
let up: Ended

beforeAll(async () => {
  up = await trilane('lab', 'up', '--nodes', '2', '--pods', '1', '--name', name)
})

afterAll(() => trilane('lab', 'down', '--name', name))

const exec = (where: string, ...command: readonly string[]): Promise<Ended> =>
  trilane('lab', 'exec', '--name', name, where, '--', ...command)

describe('a lab that stays up on etcd', () => {
  it('has an etcd that stays up too, and goes with it', async () => {
    const other = labName('kept-etcd')
    try {
      const words = ['--store', 'etcd', '--nodes', '2', '--pods', '1', '--name', other]
      expect((await trilane('lab', 'up', ...words)).status).toBe(0)
      const status = await trilane('lab', 'exec', '--name', other, 'node1', '--', 'trilane', 'status')
      expect(status.stdout).toMatch(/store +etcd http:\/\/192\.168\.77\.254:\d+/)
      expect(status.stdout).toContain('network default: ready')
    } finally {
      await trilane('lab', 'down', '--name', other)
    }
    expect(leftovers(other)).toEqual([])
  })
})

describe('a lab that stays up', () => {
  it('says what can be done with it', () => {
    expect(up.status).toBe(0)
    expect(up.stdout).toContain(`./trilane lab exec --name ${name} node1 -- trilane status`)
    expect(up.stdout).toContain(`./trilane lab down --name ${name}`)
  })

  it('runs programs inside its places, with their output and exit status', async () => {
    expect(await exec('node1', 'ip', '-br', 'address', 'show', 'dev', 'eth0')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('192.168.77.1/24')
    })
    const pod = await exec('node2/pod1', 'ip', '-br', 'address', 'show', 'dev', 'eth0')
    expect(pod.stdout).toMatch(/ 10\.5\.\d+\.2\/24/)
    expect(await exec('outside', 'sh', '-c', 'exit 7')).toMatchObject({ status: 7 })
    expect(await exec('node1', 'sh', '-c', 'kill -TERM $$')).toMatchObject({ status: 128 + 15 })
  })

  it('has a daemon on each node that answers `trilane status`', async () => {
    for (const node of ['node1', 'node2']) {
      const { status, stdout } = await exec(node, 'trilane', 'status')
      expect(stdout).toMatch(new RegExp(`^${node} `))
      expect(stdout).toContain('network default: ready')
      expect(status).toBe(0)
    }
    const { stdout, status } = await exec('node1', 'trilane', 'pod', 'list')
    expect(stdout).toMatch(/default +node1-pod1 +eth0 +10\.5\.\d+\.2\/24/)
    expect(status).toBe(0)
  })

  it('is refused a second time, and stays as it is', async () => {
    const { status, stderr } = await trilane('lab', 'up', '--name', name)
    expect(stderr).toMatch(new RegExp(`^TRI_LAB_EXISTS: lab "${name}" is up already$`, 'm'))
    expect(stderr).toContain(`fix: \`trilane lab down --name ${name}\``)
    expect(status).toBe(1)
    expect(await exec('node1', 'trilane', 'status')).toMatchObject({ status: 0 })
  })

  it('names the known places and labs for an unknown one', async () => {
    const place = await exec('node9', 'true')
    expect(place.stderr).toMatch(/^TRI_LAB_UNKNOWN: there is no place "node9"; there is .*node1.*node2/m)
    expect(place.status).toBe(2)
    const lab = await trilane('lab', 'exec', '--name', 'nobody', 'node1', '--', 'true')
    expect(lab.stderr).toMatch(
      new RegExp(`^TRI_LAB_UNKNOWN: there is no lab "nobody"; there is .*${name}`, 'm')
    )
    expect(lab.status).toBe(2)
    const down = await trilane('lab', 'down', '--name', 'nobody')
    expect(down.stderr).toContain('TRI_LAB_UNKNOWN')
    expect(down.status).toBe(2)
  })

  it('fails clearly for a program that does not exist, and without one', async () => {
    const missing = await exec('node1', 'no-such-program')
    expect(missing.stderr).toContain('no-such-program')
    expect(missing.status).not.toBe(0)
    expect(await exec('node1')).toMatchObject({ status: 2, stderr: expect.stringContaining('no command') })
  })

  it('leaves nothing when it is taken down', async () => {
    expect(leftovers(name)).not.toEqual([])
    expect(await trilane('lab', 'down', '--name', name)).toMatchObject({ status: 0 })
    expect(leftovers(name)).toEqual([])
  })
})
