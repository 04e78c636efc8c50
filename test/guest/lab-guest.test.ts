import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

/** `trilane lab guest`, and with it `runInGuest`. */
const TRILANE = resolve(import.meta.dirname, '../../trilane')
/** A guest's start takes seconds, and many more on a busy machine. */
const TIME_LIMIT = { timeout: 240_000 }

// Its name is awkward for a shell and for qemu.
const folder = mkdtempSync(join(tmpdir(), "trilane-guest, it's-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** A guest that runs a command: what it wrote so far, and how it ended. */
function guest(options: readonly string[], command: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(TRILANE, ['lab', 'guest', ...options, '--', ...command], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder, ...env }
  })
  const program = {
    pid: child.pid ?? 0,
    stdout: '',
    stderr: '',
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    ended: new Promise<number | null>((settle) => child.once('close', settle))
  }
  child.stdout.on('data', (text) => {
    program.stdout += text
  })
  child.stderr.on('data', (text) => {
    program.stderr += text
  })
  return program
}

const inShell = (script: string, ...args: string[]): string[] => ['sh', '-c', script, 'sh', ...args]

/** The folders in which a guest and its starter talk. */
const talks = () => readdirSync(folder).filter((name) => name.startsWith('trilane-guest-'))

/** The pid of the qemu that a starter started; it has other children before. */
function machineOf({ pid }: { readonly pid: number }): number | undefined {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .map(Number)
    .find((child) => child > 0 && nameOf(child).startsWith('qemu'))
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8')
  } catch {
    return ''
  }
}

describe('trilane lab guest', () => {
  it('runs a command under another kernel, with the files of this machine', TIME_LIMIT, async () => {
    writeFileSync(join(folder, 'given'), 'from outside')
    const script = `
      uname -r
      pwd
      cat given
      printf '%s|' "$WORD" "$@"
      echo >&2 'to the other stream'
      echo kept >kept; echo lost >/tmp/trilane-guest-lost-${process.pid}; echo lost >${TRILANE}.lost
      ip link add up0 type dummy && ip link add link up0 name child type ipvlan && echo made
      sleep 600 &
      exit 7`
    const program = guest(['--writable', folder], inShell(script, "it's", 'a  b', ''), { WORD: '$HOME "x"' })
    const status = await program.ended
    const [kernel, ...lines] = program.stdout.trimEnd().split('\n')
    expect(program.stderr).toBe('to the other stream\n')
    expect(lines).toEqual([folder, `from outside$HOME "x"|it's|a  b||made`])
    expect(status).toBe(7)
    expect(kernel).not.toBe(execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim())
    expect(readFileSync(join(folder, 'kept'), 'utf8')).toBe('kept\n')
    expect(existsSync(`/tmp/trilane-guest-lost-${process.pid}`)).toBe(false)
    expect(existsSync(`${TRILANE}.lost`)).toBe(false)
    expect(talks()).toEqual([])
  })

  it('ends at once with SIGINT, and leaves nothing', TIME_LIMIT, async () => {
    const program = guest([], inShell('echo started; sleep 600'))
    await expect.poll(() => program.stdout, { timeout: 200_000 }).toBe('started\n')
    const machine = machineOf(program)
    expect(machine).toBeDefined()
    program.kill('SIGINT')
    expect(await program.ended).toBe(130)
    expect(existsSync(`/proc/${machine}`)).toBe(false)
    expect(talks()).toEqual([])
  })

  it('is ended by its time limit, and its last lines are shown', TIME_LIMIT, async () => {
    const program = guest(['--time-limit', '30'], inShell('echo the last word; sleep 600'))
    expect(await program.ended).toBe(1)
    expect(program.stderr).toMatch(/TRI_GUEST_FAILED.*took more than 30 s[\s\S]*last lines of the guest:\n/)
    // On a very busy machine it is still starting.
    expect(program.stderr).toMatch(/the last word|\[ +\d+\.\d+\] /)
    expect(talks()).toEqual([])
  })

  it('tells of a kernel that died what its console said', TIME_LIMIT, async () => {
    const program = guest([], inShell('echo c >/proc/sysrq-trigger'))
    expect(await program.ended).toBe(1)
    expect(program.stderr).toMatch(/TRI_GUEST_FAILED.*qemu ended[\s\S]*Kernel panic/)
  })

  it('dies with whoever started it', TIME_LIMIT, async () => {
    const program = guest([], ['sleep', '600'])
    await expect.poll(() => machineOf(program), { timeout: 60_000 }).toBeDefined()
    const machine = machineOf(program)
    program.kill('SIGKILL')
    await program.ended
    await expect.poll(() => existsSync(`/proc/${machine}`)).toBe(false)
  })

  it('names the command that prepares the kernel where none is', async () => {
    const program = guest([], ['true'], { TRILANE_GUEST_DIRECTORY: join(folder, 'nothing') })
    expect(await program.ended).toBe(1)
    expect(program.stderr).toMatch(/TRI_GUEST_UNPREPARED.*nothing[\s\S]*scripts\/setup guest/)
  })

  it.each([
    [[], [], /no command/],
    [['--time-limit', 'soon'], ['true'], /--time-limit soon/],
    [['--time-limit', '0'], ['true'], /--time-limit 0/]
  ])('refuses %j %j', async (options, command, words) => {
    const program = guest(options, command)
    expect(await program.ended).toBe(2)
    expect(program.stderr).toMatch(words)
  })
})
