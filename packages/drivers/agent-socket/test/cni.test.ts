import { describe, expect, it } from 'vitest'
import type { CniAnswer } from '../src/index.ts'
import { STATUS, sendRaw, serveForTest } from './scratch.ts'

describe('POST /v1/cni', () => {
  it('hands on any bytes as they are, and gives back text and outcome', async () => {
    const answers: CniAnswer[] = [
      { isSuccess: true, text: '' },
      { isSuccess: true, text: '{"ü":1}' },
      { isSuccess: false, text: '{"code":7}' }
    ]
    const seen: Uint8Array[] = []
    const { client } = await serveForTest({
      cni: async (invocation) => {
        seen.push(invocation)
        return answers[seen.length - 1] ?? { isSuccess: false, text: 'too many' }
      }
    })
    const bytes = Uint8Array.from({ length: 5_000_000 }, (_, index) => index % 256)
    for (const answer of answers) expect(await client.cni(bytes)).toEqual(answer)
    for (const each of seen) expect(Buffer.compare(each, bytes)).toBe(0)
  })

  it('refuses what is larger than any plugin reads', async () => {
    const { client } = await serveForTest()
    await expect(client.cni(new Uint8Array(9 * 1_048_576))).rejects.toMatchObject({
      code: 'TRI_REQUEST_INVALID',
      message: expect.stringContaining('larger than 8388608 bytes')
    })
  })
})

describe('a connection of another user', () => {
  const REQUEST = 'GET /v1/status HTTP/1.1\r\nhost: trilane\r\nconnection: close\r\n\r\n'

  it('is ended before it was listened to', async () => {
    let asked = 0
    const status = async () => {
      asked++
      return STATUS
    }
    const { socketPath } = await serveForTest({ status }, undefined, () => ({ uid: 65_534, pid: 1 }))
    expect(await sendRaw(socketPath, REQUEST).catch(() => '')).toBe('')
    expect(asked).toBe(0)
  })

  it('is ended when nobody can tell whose it is', async () => {
    const { socketPath } = await serveForTest({}, undefined, () => {
      throw new Error('no such option')
    })
    expect(await sendRaw(socketPath, REQUEST).catch(() => '')).toBe('')
  })

  it('is told from our own by the descriptor of its socket', async () => {
    const seen: number[] = []
    const { client } = await serveForTest({}, undefined, (fd) => {
      seen.push(fd)
      return { uid: 0, pid: 1 }
    })
    expect(await client.status()).toEqual(STATUS)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toBeGreaterThan(2)
  })
})
