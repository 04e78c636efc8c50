import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from './commands.ts'

const TEXT = readFileSync(join(ROOT, 'configs/trilane.service'), 'utf8')

/** Not in every container; test/allowed-skips.json says what its absence leaves out. */
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

/** Keys by section, as systemd reads them: systemd.syntax(7). */
function parseUnit(text: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const sections: Record<string, Record<string, string>> = {}
  let section: Record<string, string> | undefined
  for (const line of text.split('\n')) {
    if (line === '' || /^[#;]/.test(line)) continue
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? []
    if (name !== undefined) {
      section = {}
      sections[name] = section
      continue
    }
    const [, key, value] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? []
    if (section === undefined || key === undefined || value === undefined)
      throw new Error(`not a unit: ${line}`)
    if (key in section) throw new Error(`twice: ${key}`)
    section[key] = value
  }
  return sections
}

describe('configs/trilane.service', () => {
  const unit = parseUnit(TEXT)

  it('starts the daemon, waits until it is ready, watches it, and starts it again', () => {
    expect(unit.Service).toMatchObject({
      Type: 'notify',
      NotifyAccess: 'main',
      ExecStart: '/usr/local/bin/trilane daemon',
      Restart: 'always',
      TimeoutStartSec: 'infinity',
      KillMode: 'process'
    })
    expect(Number(unit.Service?.WatchdogSec)).toBeGreaterThanOrEqual(30)
    expect(unit.Install?.WantedBy).toBe('multi-user.target')
  })

  it('has no mount namespace: those of pods have to be seen', () => {
    const keys = Object.keys(unit.Service ?? {})
    expect(
      keys.filter((key) => /^(?:Protect|Private|ReadOnly|ReadWrite|Inaccessible|Root)/.test(key))
    ).toEqual([])
  })

  it('has directives that systemd knows', () => {
    expect(Object.keys(unit)).toEqual(['Unit', 'Service', 'Install'])
    // systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.kill(5)
    const known = {
      Unit: ['After', 'Description', 'Documentation'],
      Service: [
        ...[
          'CapabilityBoundingSet',
          'EnvironmentFile',
          'ExecStart',
          'KillMode',
          'LimitNOFILE',
          'LockPersonality'
        ],
        ...['NoNewPrivileges', 'NotifyAccess', 'OOMScoreAdjust', 'Restart', 'RestartSec'],
        ...[
          'RestrictRealtime',
          'RuntimeDirectory',
          'RuntimeDirectoryPreserve',
          'StateDirectory',
          'TimeoutStartSec'
        ],
        ...['TimeoutStopSec', 'Type', 'WatchdogSec']
      ],
      Install: ['WantedBy']
    }
    for (const [name, keys] of Object.entries(known)) {
      expect(keys).toEqual(expect.arrayContaining(Object.keys(unit[name] ?? {})))
    }
  })

  it.skipIf(!hasSystemd)('passes systemd’s own check', () => {
    // The check needs the program that the unit would start.
    const script = `sed 's#^ExecStart=.*#ExecStart=/bin/true#' > "$1" && systemd-analyze verify "$1" 2>&1; rm -f "$1"`
    const path = `/tmp/trilane-${process.pid}.service`
    const words = execFileSync('sh', ['-c', script, 'sh', path], { input: TEXT, encoding: 'utf8' })
    expect(words).toBe('')
  })
})
