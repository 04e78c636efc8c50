import { afterAll, describe, expect, it } from 'vitest'
import { commandsIn, type DocumentedCommand, ROOT } from './commands.ts'
import { execute, removeLab, runInLab } from './lab.ts'

const PAGE = 'docs/getting-started.md'

const section = (name: string): DocumentedCommand[] =>
  commandsIn(PAGE).filter((command) => command.section === name)

afterAll(removeLab)

describe('a laboratory on one machine', () => {
  const commands = section('A laboratory on one machine').map(({ line }) => line)

  it('shows something to run', () => {
    expect(commands).toContain('npm start')
    expect(commands.length).toBeGreaterThan(8)
  })

  it.each(commands)('%s', runInLab)
})

describe('a node of your own', () => {
  it('runs as written, in a namespace with a machine’s directories of its own', async () => {
    const typed = section('A node of your own').map(({ line }) => line)
    const daemon = typed.find((line) => line.startsWith('./trilane daemon'))
    expect(daemon).toBeDefined()
    const rest = typed.filter((line) => line !== daemon)
    // The daemon's mark is removed at the end as the page says, and nothing of the machine is touched.
    const script = `
      mount -t tmpfs none /run && mkdir -p /run/lock
      mount -t tmpfs none /var/lib
      ip link set lo up
      ip link add eth0 type veth peer name segment
      ip link set eth0 up; ip link set segment up
      ip address add 192.0.2.1/24 dev eth0
      ip route add default via 192.0.2.254
      ${daemon} --machine-id=0123456789abcdef0123456789abcdef 2>/dev/null & daemon=$!
      for i in $(seq 200); do ./trilane status >/dev/null 2>&1 && break; sleep 0.05; done
      ${rest.join('\n')}
      kill $daemon; wait $daemon
      ip route show proto 133
      ./trilane uninstall --dry-run
      ./trilane uninstall
      ip -o link show type bridge
    `
    const { stdout } = await execute(
      'unshare',
      ['--mount', '--net', 'bash', '-euo', 'pipefail', '-c', script],
      {
        cwd: ROOT,
        timeout: 60_000
      }
    )
    expect(stdout).toContain('network default: ready')
    expect(stdout).toMatch(/"containerId":\s*"blue"/)
    expect(stdout).toContain('ip link del dev cni0')
    expect(stdout).not.toMatch(/cni0:.*state/)
  })
})

describe('what would it do here', () => {
  it.each(section('What would it do here?').map(({ line }) => line))('%s', async (line) => {
    // In a namespace with an uplink: the machine that runs the tests may have none.
    const uplink =
      'ip link add eth0 type veth peer name x; ip address add 192.0.2.1/24 dev eth0; ip link set eth0 up; ip link set x up; ip route add default via 192.0.2.2'
    const script = `${uplink}; ip -o address > /tmp/docs-before-$$; ${line}; ip -o address | diff - /tmp/docs-before-$$; rm /tmp/docs-before-$$`
    const { stdout } = await execute('unshare', ['--net', 'bash', '-euo', 'pipefail', '-c', script], {
      cwd: ROOT
    })
    expect(stdout).toMatch(/host-gw/)
  })
})
