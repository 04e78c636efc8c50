import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const scratch = mkdtempSync(join(tmpdir(), 'trilane-scripts-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function run(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const [file = '', ...args] = argv
  return spawnSync(file, args, { cwd: '/', encoding: 'utf8', env: { ...process.env, ...env } })
}

/** A system whose /etc/os-release is `text`, for one command. */
function asSystem(text: string, command: string) {
  const file = join(scratch, 'os-release')
  writeFileSync(file, text)
  return run(['unshare', '--mount', 'sh', '-c', `mount --bind ${file} /etc/os-release && exec ${command}`])
}

describe('scripts/setup', () => {
  it('says nothing and does nothing when all is in place', () => {
    run([`${root}scripts/setup`, 'tests'])
    expect(run([`${root}scripts/setup`, 'tests'])).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })

  it('refuses an ordinary user', () => {
    const { status, stdout, stderr } = run([
      'setpriv',
      '--reuid=65534',
      '--clear-groups',
      `${root}scripts/setup`
    ])
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('root is needed')
  })

  it('refuses another kind of system, and tells what is needed', () => {
    const { status, stderr } = asSystem('ID=fedora\n', `${root}scripts/setup`)
    expect(status).toBe(1)
    expect(stderr).toMatch(/no Debian.*fedora[\s\S]*iproute2/)
    expect(stderr).not.toContain('podman')
    expect(asSystem('ID=fedora\n', `${root}scripts/setup tests`).stderr).toMatch(/iproute2.*podman/)
  })

  it('refuses a guest kernel for a machine that it knows none for', () => {
    const uname = join(scratch, 'uname')
    writeFileSync(uname, '#!/bin/sh\necho riscv64\n', { mode: 0o755 })
    const path = `${scratch}:${process.env.PATH}`
    const { status, stderr } = run([`${root}scripts/setup`, 'guest'], { PATH: path })
    rmSync(uname)
    expect(status).toBe(1)
    expect(stderr).toMatch(/x86_64 only; this is riscv64/)
  })

  it('finds that a guest kernel is not prepared', () => {
    const check = (directory: string) =>
      run([`${root}scripts/guest/prepare`, '--check'], { TRILANE_GUEST_DIRECTORY: directory }).status
    run([`${root}scripts/setup`, 'guest'])
    expect(check('')).toBe(0)
    expect(check(join(scratch, 'nothing'))).toBe(1)
  })

  it('takes what is made from Debian', () => {
    expect(asSystem('ID=ubuntu\nID_LIKE=debian\n', `${root}scripts/setup`).status).toBe(0)
  })
})

describe('./trilane', () => {
  /** Says which program would be run, and with what. */
  const dispatch = (...words: string[]) => {
    const node = join(scratch, 'node')
    writeFileSync(
      node,
      '#!/bin/sh\nfor word; do case $word in --disable-*) ;; *) echo "$word" ;; esac; done\n',
      {
        mode: 0o755
      }
    )
    const link = join(scratch, 'trilane')
    rmSync(link, { force: true })
    symlinkSync(`${root}trilane`, link)
    return run([link, ...words], { TRILANE_NODE: node })
      .stdout.replaceAll(root, '')
      .trim()
      .split('\n')
  }

  it.each([
    ['daemon', 'dist/daemon.mjs'],
    ['plan', 'dist/daemon.mjs'],
    ['config', 'dist/daemon.mjs'],
    ['lab', 'dist/lab.mjs'],
    ['compare', 'dist/lab.mjs'],
    ['status', 'dist/cli.mjs'],
    ['--version', 'dist/cli.mjs']
  ])('%s is run by %s, through a link too', (word, program) => {
    expect(dispatch(word, 'two words', '--json')).toEqual([program, word, 'two words', '--json'])
  })

  it('without words asks the cli', () => {
    expect(dispatch()).toEqual(['dist/cli.mjs'])
  })
})
