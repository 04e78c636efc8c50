import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cniErrorOf } from '@trilane/cni'
import { type IpamCall, SILENT_LOGGER } from '@trilane/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ExecutedPlugins } from '../src/index.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'trilane-plugin-exec-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function write(script: string, name = 'theirs', mode = 0o755): string {
  const file = join(directory, name)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, mode)
  return file
}

function callOf(more: Partial<IpamCall> & { readonly path?: string } = {}): IpamCall {
  const { path = directory, ...others } = more
  return {
    type: 'theirs',
    env: { CNI_PATH: path, CNI_CONTAINERID: 'a' },
    config: '{"name":"net"}',
    ...others
  }
}

const plugins = (timeLimitMs = 10_000, warnings: string[] = []) =>
  new ExecutedPlugins({
    logger: { ...SILENT_LOGGER, warn: (_, fields) => void warnings.push(String(fields?.text)) },
    timeLimitMs,
    path: '/usr/bin:/bin'
  })

describe('an executed plugin', () => {
  it('P163, P169: has the variables of the call and the verb, the config, and nothing else of ours', async () => {
    write('env | sort; cat; echo loud >&2; pwd')
    const warnings: string[] = []
    const out = await plugins(10_000, warnings).run('CHECK', callOf())
    const lines = out.split('\n').filter((line) => !/^(PWD|_|SHLVL|OLDPWD)=/.test(line))
    const own = ['CNI_COMMAND=CHECK', 'CNI_CONTAINERID=a', `CNI_PATH=${directory}`, 'PATH=/usr/bin:/bin']
    expect(lines).toEqual([...own, '{"name":"net"}/', ''])
    expect(warnings).toEqual(['loud'])
  })

  it('need not read what it is given', async () => {
    write('exec 0<&-; echo done')
    expect(await plugins().run('ADD', callOf({ config: 'x'.repeat(1_000_000) }))).toBe('done\n')
  })

  it('P167: hands on its error object', async () => {
    write(`echo '{"code":42,"msg":"none left","details":"why"}'; exit 1`)
    const error = await plugins()
      .run('ADD', callOf())
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'TRI_IPAM_FAILED',
      message: 'the IPAM plugin theirs refused ADD: none left'
    })
    expect(cniErrorOf(error)).toMatchObject({ code: 42, message: 'none left', details: 'why' })
  })

  it.each([
    ['exit 3', 'netplugin failed: no error message', 'exit status 3'],
    ['echo oops; exit 1', 'netplugin failed: oops', 'exit status 1'],
    ['kill -9 $$', 'netplugin failed: no error message', 'it was killed']
  ])('that does %j fails in words', async (script, message, details) => {
    write(script)
    const error = await plugins()
      .run('ADD', callOf())
      .catch((caught: unknown) => caught)
    expect(cniErrorOf(error)).toMatchObject({ code: 999, message, details })
  })

  it('P173: that hangs is killed, and all that it started', async () => {
    const children = join(directory, 'children')
    write(`sleep 1000 & echo $! > ${children}; trap '' TERM; sleep 1000`)
    await expect(plugins(300).run('ADD', callOf())).rejects.toMatchObject({ code: 'TRI_IPAM_TIMEOUT' })
    const child = readFileSync(children, 'utf8').trim()
    await expect.poll(() => stateOf(child)).toMatch(/^(gone|Z)/)
  })

  it('that leaves its group is waited for no longer than others', async () => {
    write('setsid sleep 3 & exit 0')
    const startedMs = performance.now()
    await expect(plugins(300).run('ADD', callOf())).rejects.toMatchObject({ code: 'TRI_IPAM_TIMEOUT' })
    expect(performance.now() - startedMs).toBeLessThan(2_500)
  })

  it('that says too much is killed', async () => {
    write('exec cat /dev/zero')
    await expect(plugins().run('ADD', callOf())).rejects.toMatchObject({ code: 'TRI_IPAM_FAILED' })
  })

  it('that cannot be started fails', async () => {
    write('', 'theirs')
    writeFileSync(join(directory, 'theirs'), '#!/nowhere/interpreter\n')
    await expect(plugins().run('ADD', callOf())).rejects.toMatchObject({ code: 'TRI_IPAM_FAILED' })
  })
})

describe('the executable', () => {
  const refused = async (call: IpamCall) => {
    await expect(plugins().run('ADD', call)).rejects.toMatchObject({ code: 'TRI_IPAM_MISSING' })
    return String(
      await plugins()
        .find(call)
        .catch((error: unknown) => error)
    )
  }

  it('is in the first directory that has it', async () => {
    const other = join(directory, 'other')
    mkdirSync(other)
    write('echo other', 'other/theirs')
    expect(await plugins().run('ADD', callOf({ path: `${directory}:${other}` }))).toBe('other\n')
    write('echo first')
    expect(await plugins().run('ADD', callOf({ path: `/nowhere:${directory}:${other}` }))).toBe('first\n')
  })

  it('P170: is missed by name and directories', async () => {
    expect(await refused(callOf({ path: '/a:/b' }))).toContain(
      'failed to find plugin "theirs" in path [/a /b]'
    )
    expect(await refused(callOf({ path: '' }))).toContain('in path []')
    expect(await refused({ ...callOf(), env: {} })).toContain('in path []')
  })

  it('is not looked for where this process happens to be', async () => {
    write('echo hello')
    const before = process.cwd()
    process.chdir(directory)
    try {
      for (const path of ['', '.', ':', 'x/..', './', '/dev/null']) await refused(callOf({ path }))
    } finally {
      process.chdir(before)
    }
  })

  it.each<[string, (file: string) => void, RegExp]>([
    ['is a directory', (file) => mkdirSync(file), /is not a file/],
    ['leads nowhere', (file) => symlinkSync('/nowhere', file), /is not a file/],
    ['is a pipe of the system', (file) => symlinkSync('/dev/null', file), /is not a file/],
    ['cannot be executed', () => write('', 'theirs', 0o644), /is not executable/],
    ['anybody can write', () => write('', 'theirs', 0o757), /can be written by others/],
    ['a group can write', () => write('', 'theirs', 0o775), /can be written by others/],
    ['is another user’s', () => chownSync(write(''), 65_534, 65_534), /belongs to another user/]
  ])('is refused when it %s', async (_, make, words) => {
    make(join(directory, 'theirs'))
    expect(await refused(callOf())).toMatch(words)
  })

  it('may be a link to one, as distributions have it', async () => {
    write('echo linked', 'real')
    symlinkSync(join(directory, 'real'), join(directory, 'theirs'))
    expect(await plugins().run('ADD', callOf())).toBe('linked\n')
  })
})

/** `R`, `S`, … as the kernel has it; `gone` for no process. */
function stateOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? ''
  } catch {
    return 'gone'
  }
}
