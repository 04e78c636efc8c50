import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Testbed } from '../src/index.ts'
import { isAlive, namespacesWith } from '../src/namespaces.ts'
import { runProgram } from '../src/program.ts'

const SOURCE = new URL('../src/index.ts', import.meta.url).pathname

async function twoNodes(bed: Testbed) {
  const lan = await bed.addSwitch('lan')
  const a = await bed.addNode('a', { switch: lan, addresses: ['192.168.77.1/24', 'fd77::1/64'] })
  const b = await bed.addNode('b', { switch: lan, addresses: ['192.168.77.2/24', 'fd77::2/64'] })
  return { lan, a, b }
}

describe('a testbed', () => {
  it('has machines with the addresses asked for, which talk at once in both families', async () => {
    await using bed = await Testbed.create()
    const { a } = await twoNodes(bed)
    const { stdout } = await a.run(['ip', '-br', 'address', 'show', 'dev', 'eth0'])
    expect(stdout).toContain('192.168.77.1/24')
    expect(stdout).toContain('fd77::1/64')
    for (const address of ['192.168.77.2', 'fd77::2']) await a.run(['ping', '-c1', '-W5', address])
  })

  it('is gone when its block ends with an error', async () => {
    let namespaces: string[] = []
    let directory = ''
    let pid = 0
    const failing = async () => {
      await using bed = await Testbed.create()
      const { a } = await twoNodes(bed)
      pid = (await a.spawn(['sleep', '600'])).pid
      namespaces = bed.places.map((place) => place.namespace)
      directory = bed.directory
      throw new Error('a test fails')
    }
    await expect(failing()).rejects.toThrow('a test fails')
    expect(namespaces).toHaveLength(3)
    expect(namespaces.flatMap((name) => namespacesWith(name))).toEqual([])
    expect(existsSync(directory)).toBe(false)
    expect(isAlive(pid)).toBe(false)
  })

  it('ends grandchildren that its programs left in a namespace', async () => {
    const bed = await Testbed.create()
    const { a } = await twoNodes(bed)
    // The sleep holds the shell's stdout, which must not hold back its end.
    const { stdout } = await a.run(['sh', '-c', 'sleep 600 & echo $!'])
    const pid = Number(stdout)
    expect(isAlive(pid)).toBe(true)
    await bed.dispose()
    await expect.poll(() => isAlive(pid)).toBe(false)
  })

  it('may be up twice with the same names and addresses', async () => {
    await using first = await Testbed.create({ name: 'twin' })
    await using second = await Testbed.create({ name: 'twin' })
    const [one, two] = [await twoNodes(first), await twoNodes(second)]
    await one.b.run(['ip', 'address', 'add', '192.168.77.99/24', 'dev', 'eth0'])
    await one.a.run(['ping', '-c1', '-W5', '192.168.77.99'])
    await expect(two.a.run(['ping', '-c1', '-W1', '192.168.77.99'])).rejects.toThrow('exit status 1')
  })

  it('has routers, between segments that know nothing of each other', async () => {
    await using bed = await Testbed.create()
    const [left, right] = [await bed.addSwitch('left'), await bed.addSwitch('right')]
    await bed.addRouter('r', {
      ports: [
        { switch: left, addresses: ['10.1.0.254/24', 'fd01::fe/64'] },
        { switch: right, addresses: ['10.2.0.254/24', 'fd02::fe/64'] }
      ]
    })
    const a = await bed.addNode('a', {
      switch: left,
      addresses: ['10.1.0.1/24', 'fd01::1/64'],
      gateways: ['10.1.0.254', 'fd01::fe']
    })
    await bed.addOutside('b', {
      switch: right,
      addresses: ['10.2.0.1/24', 'fd02::1/64'],
      gateways: ['10.2.0.254', 'fd02::fe']
    })
    for (const address of ['10.2.0.1', 'fd02::1']) {
      const { stdout } = await a.run(['ping', '-c1', '-W5', address])
      expect(stdout, 'one hop was counted off').toMatch(/ttl=63/)
    }
  })

  it('gives containers that are empty namespaces', async () => {
    await using bed = await Testbed.create()
    const { a } = await twoNodes(bed)
    const pod = await bed.addContainer(a, 'web')
    expect(pod.name).toBe('a.web')
    const { stdout } = await pod.run(['ip', '-br', 'link'])
    expect(stdout.trim().split('\n')).toEqual([expect.stringMatching(/^lo +DOWN/)])
    await bed.remove(pod)
    expect(existsSync(pod.namespacePath)).toBe(false)
  })

  it('pulls cables', async () => {
    await using bed = await Testbed.create()
    const { lan, a, b } = await twoNodes(bed)
    await lan.setCable(b, 'out')
    await expect(a.run(['ping', '-c1', '-W1', '192.168.77.2'])).rejects.toThrow('exit status 1')
    expect((await b.run(['ip', 'link', 'show', 'eth0'])).stdout).toContain('NO-CARRIER')
    await lan.setCable(b, 'in')
    await a.run(['ping', '-c3', '-W5', '192.168.77.2'])
  })

  it('moves cables to another switch, and the device at their end stays as it is', async () => {
    await using bed = await Testbed.create()
    const { lan, a, b } = await twoNodes(bed)
    const other = await bed.addSwitch('other')
    const c = await bed.addNode('c', { switch: other, addresses: ['192.168.77.3/24'] })
    const device = async () => (await b.run(['ip', '-o', 'link', 'show', 'eth0'])).stdout.split(' state ')[0]
    const before = await device()
    await bed.moveCable(b, lan, other)
    await c.run(['ping', '-c3', '-W5', '192.168.77.2'])
    await expect(a.run(['ping', '-c1', '-W1', '192.168.77.2'])).rejects.toThrow('exit status 1')
    expect(await device()).toBe(before)
  })

  it('pulls uplinks out of machines, and puts others of the same name in', async () => {
    await using bed = await Testbed.create()
    const { lan, a, b } = await twoNodes(bed)
    const device = async () => (await b.run(['ip', '-o', 'link', 'show', 'eth0'], { anyStatus: true })).stdout
    const before = /^\d+/.exec(await device())?.[0]
    await bed.unplug(b)
    expect(await device()).toBe('')
    await bed.plug(b, { switch: lan, addresses: ['192.168.77.22/24'], gateways: ['192.168.77.1'] })
    expect(/^\d+/.exec(await device())?.[0]).not.toBe(before)
    await a.run(['ping', '-c3', '-W5', '192.168.77.22'])
    expect((await b.run(['ip', 'route'])).stdout).toContain('default via 192.168.77.1')
  })

  it.each(['', 'A', 'two--dashes', '-x', '../x', 'x'.repeat(21)])('refuses the name "%s"', async (name) => {
    await expect(Testbed.create({ name })).rejects.toMatchObject({ code: 'TRI_USAGE' })
  })

  it('refuses places that cannot be, and two of one name', async () => {
    await using bed = await Testbed.create()
    const lan = await bed.addSwitch('lan')
    await expect(bed.addSwitch('lan')).rejects.toThrow('there is a place "lan" already')
    await expect(bed.addNode('x'.repeat(16), { switch: lan, addresses: [] })).rejects.toThrow(
      'cannot name a node'
    )
    expect(() => bed.place('nobody')).toThrow('there is no place "nobody"; there is lan')
  })
})

describe('a process that dies', () => {
  /** A process of its own with a testbed and a program in it; it says so, and waits. */
  const program = `
    import { Testbed } from ${JSON.stringify(SOURCE)}
    const bed = await Testbed.create({ name: 'orphan' })
    const lan = await bed.addSwitch('lan')
    const { pid } = await lan.spawn(['sleep', '600'])
    console.log(JSON.stringify({ namespace: lan.namespace, directory: bed.directory, pid }))
    if (process.argv[2] === 'exit') process.exit(3)
    setInterval(() => {}, 1000)`

  /** Built first: the sources are TypeScript, and Node 20 reads none. */
  async function start(bed: Testbed, how: 'exit' | 'wait') {
    const { build } = await import('esbuild')
    const outfile = `${bed.directory}/orphan.mjs`
    await build({
      stdin: { contents: program, resolveDir: '/', loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      logLevel: 'silent'
    })
    const host = await bed.addSwitch('host')
    const child = await host.spawn([process.execPath, outfile, how])
    await expect.poll(() => child.stdout, { timeout: 15_000 }).toMatch(/\n$/)
    return { child, ...(JSON.parse(child.stdout) as { namespace: string; directory: string; pid: number }) }
  }

  it('takes its testbed along when it exits', async () => {
    await using bed = await Testbed.create()
    const { child, namespace, directory, pid } = await start(bed, 'exit')
    expect((await child.exited).status).toBe(3)
    expect(namespacesWith(namespace)).toEqual([])
    expect(existsSync(directory)).toBe(false)
    await expect.poll(() => isAlive(pid)).toBe(false)
  })

  it('leaves, when it is killed, what the next sweep finds; programs die with it', async () => {
    await using bed = await Testbed.create()
    const { child, namespace, pid } = await start(bed, 'wait')
    expect(await Testbed.sweepDead(), 'while it lives').not.toContain(namespace)
    expect(namespacesWith(namespace)).toEqual([namespace])
    child.kill('SIGKILL')
    await child.exited
    await expect.poll(() => isAlive(pid)).toBe(false)
    await Testbed.sweepDead()
    expect(namespacesWith(namespace)).toEqual([])
  })
})

describe('a persistent testbed', () => {
  it('is found again by its name, with its places, and taken down', async () => {
    await using scratch = await Testbed.create()
    const name = `keep-${process.pid}`
    const made = await Testbed.create({ name, persistent: true, directory: `${scratch.directory}/keep` })
    try {
      const { a } = await twoNodes(made)
      await made.addContainer(a, 'web')
      const program = await a.spawn(['sleep', '600'])
      await expect(
        Testbed.create({ name, persistent: true, directory: scratch.directory })
      ).rejects.toMatchObject({ code: 'TRI_LAB_EXISTS' })
      expect(Testbed.persistent()).toContain(name)

      const found = Testbed.open(name, made.directory)
      expect(found.places.map(({ kind, name: place }) => `${kind} ${place}`)).toEqual([
        'container a.web',
        'node a',
        'node b',
        'switch lan'
      ])
      await found.place('a').run(['ping', '-c1', '-W5', '192.168.77.2'])
      await found.dispose()
      expect((await program.exited).signal).toBe('SIGKILL')
    } finally {
      await made.dispose()
    }
    expect(() => Testbed.open(name, scratch.directory)).toThrow(`there is no lab "${name}"`)
    expect(existsSync(`${scratch.directory}/keep`), 'the directory was given, so it stays').toBe(true)
  })
})

describe('a program', () => {
  it('that fails says so in its own words', async () => {
    await expect(runProgram(['sh', '-c', 'echo why >&2; exit 3'])).rejects.toMatchObject({
      code: 'TRI_COMMAND_FAILED',
      details: 'why',
      values: { status: 'exit status 3' }
    })
    expect((await runProgram(['sh', '-c', 'exit 3'], { anyStatus: true })).status).toBe(3)
  })

  it('that hangs is ended', async () => {
    await expect(runProgram(['sleep', '600'], { timeoutMs: 100 })).rejects.toThrow('no end within 100 ms')
  })

  it('gets input and environment, and its output is in the log file too', async () => {
    await using bed = await Testbed.create()
    const lan = await bed.addSwitch('lan')
    expect((await lan.run(['cat'], { input: 'text' })).stdout).toBe('text')
    const logFile = `${lan.directory}/log`
    const program = await lan.spawn(['sh', '-c', 'echo $WORD; exec sleep 600'], {
      env: { WORD: 'set' },
      logFile
    })
    await expect.poll(() => program.stdout).toBe('set\n')
    expect((await program.stop()).signal).toBe('SIGTERM')
    expect((await runProgram(['cat', logFile])).stdout).toBe('set\n')
  })
})
