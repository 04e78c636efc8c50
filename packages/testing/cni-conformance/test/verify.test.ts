import { describe, expect, it } from 'vitest'
import type { Ran } from '../src/plugin-run.ts'
import { added, failed, failedNaming, succeeded } from '../src/verify.ts'

const ran = (status: number | null, stdout: string): Ran => ({ status, stdout, stderr: '', tookMs: 1 })
const ERROR = '{"cniVersion":"1.0.0","code":7,"msg":"no mtu x","details":"choose"}'

describe('failed', () => {
  it('takes one error object and a status', () => {
    expect(failed(ran(1, ERROR), { code: [6, 7], msg: /mtu/, details: 'choose' }).code).toBe(7)
    failedNaming(ran(1, ERROR), 'mtu x', 'choose')
  })

  it.each([
    ['success', ran(0, ERROR)],
    ['a signal', ran(null, ERROR)],
    ['a result before the error', ran(1, `{}${ERROR}`)],
    ['an object that is no error', ran(1, '{}')],
    ['nothing', ran(1, '')]
  ])('does not take %s', (_, what) => {
    expect(() => failed(what)).toThrow()
  })

  it('compares code and words', () => {
    expect(() => failed(ran(1, ERROR), { code: 4 })).toThrow('code is not 4')
    expect(() => failed(ran(1, ERROR), { msg: 'no' })).toThrow('msg is "no mtu x"')
    expect(() => failedNaming(ran(1, ERROR), 'vlan')).toThrow('does not name vlan')
  })
})

describe('success', () => {
  it('is silent but for ADD, which prints one document', () => {
    succeeded(ran(0, ''))
    expect(() => succeeded(ran(0, '{}'))).toThrow()
    expect(() => succeeded(ran(1, ''))).toThrow()
    expect(added(ran(0, '{"cniVersion":"1.0.0"}'))).toEqual({ cniVersion: '1.0.0' })
    expect(() => added(ran(0, '{}{}'))).toThrow()
    expect(() => added(ran(1, '{}'))).toThrow()
  })
})
