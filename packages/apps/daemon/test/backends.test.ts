import { describe, expect, it } from 'vitest'
import { BACKENDS, backendNamed } from '../src/backends.ts'

describe('backendNamed', () => {
  it('finds each backend by its type', () => {
    for (const backend of BACKENDS) expect(backendNamed(backend.type)).toBe(backend)
  })

  it('has no two of one type', () => {
    expect(new Set(BACKENDS.map(({ type }) => type)).size).toBe(BACKENDS.length)
  })

  it.each([
    ['host-gv', 'did you mean "host-gw"?'],
    ['hostgw', 'did you mean "host-gw"?'],
    ['udp', 'set Backend.Type to one of']
  ])('answers %s with the good names', (type, remedy) => {
    expect(() => backendNamed(type)).toThrow(
      expect.objectContaining({
        code: 'TRI_BACKEND_UNKNOWN',
        message: expect.stringContaining('host-gw'),
        remedy: expect.stringContaining(remedy)
      })
    )
  })
})
