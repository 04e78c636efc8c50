import { describe, expect, it } from 'vitest'
import { ERROR_TABLE, type ErrorCode, errorFromJson, TrilaneError } from '../src/index.ts'

const example = TrilaneError.of(
  'TRI_PEER_NOT_ON_LINK',
  {
    type: 'host-gw',
    peer: 'node-b',
    peerAddress: '198.51.100.7',
    device: 'eth0',
    localAddress: '192.0.2.1/24'
  },
  { details: 'first line\nsecond line' }
)

describe('TrilaneError', () => {
  it('says what, why and what to do', () => {
    expect(example.format()).toBe(
      [
        'TRI_PEER_NOT_ON_LINK: host-gw cannot reach node-b at 198.51.100.7: eth0 is 192.0.2.1/24, another network',
        '  first line',
        '  second line',
        '  fix: host-gw needs all nodes on one L2 segment: move the node, or choose another Backend.Type; host-gw may have a second lane for such peers, Backend.Lanes: [host-gw, vxlan]',
        '  see: docs/errors.md#tri_peer_not_on_link'
      ].join('\n')
    )
  })

  it('crosses a socket without loss', () => {
    const received = errorFromJson(JSON.parse(JSON.stringify(example)))
    expect(received.toJSON()).toEqual(example.toJSON())
    expect(received.retryable).toBe(example.retryable)
  })

  it('keeps what a newer daemon says in a code that this build does not know', () => {
    const received = errorFromJson({ code: 'TRI_FUTURE', message: 'something new', remedy: '', values: {} })
    expect(received.code).toBe('TRI_INTERNAL')
    expect(received.message).toContain('TRI_FUTURE: something new')
  })

  it('wraps what is not ours and keeps it as the cause', () => {
    const cause = new Error('boom')
    expect(TrilaneError.from(cause)).toMatchObject({ code: 'TRI_INTERNAL', cause })
    expect(TrilaneError.from(example)).toBe(example)
    expect(TrilaneError.is(example, 'TRI_USAGE')).toBe(false)
    expect(TrilaneError.is(example, 'TRI_USAGE', 'TRI_PEER_NOT_ON_LINK')).toBe(true)
    expect(TrilaneError.is(cause)).toBe(false)
  })

  it('does not read holes from the prototype', () => {
    const error = TrilaneError.of('TRI_USAGE', { problem: '{toString} stays', command: 'status' })
    expect(error.message).toBe('{toString} stays')
    expect(TrilaneError.of('TRI_INTERNAL', { text: '{text}' }).message).toBe('unexpected: {text}')
  })
})

describe('the table', () => {
  const codes = Object.keys(ERROR_TABLE) as ErrorCode[]

  it.each(codes)('%s: what may pass by itself is CNI\'s "try again later"', (code) => {
    const { retryable, cniCode } = ERROR_TABLE[code]
    if (retryable) expect(cniCode).toBe(11)
    else expect(cniCode).not.toBe(11)
  })
})
