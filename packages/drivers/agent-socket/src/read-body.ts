import type { IncomingMessage } from 'node:http'
import { requestInvalid } from './request-fields.ts'

/** A request is an object of six fields; a thousandth of this would do. */
const LARGEST_BODY_BYTES = 1_048_576

/**
 * The JSON body of a request.
 *
 * @throws TrilaneError `TRI_REQUEST_INVALID` when it is too large, not UTF-8 or not JSON
 */
export async function readBody(message: IncomingMessage): Promise<unknown> {
  const bytes = await readBytes(message, LARGEST_BODY_BYTES)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw requestInvalid(`its body is not JSON: ${error instanceof Error ? error.message : error}`)
  }
}

/** The body as it came. @throws TrilaneError `TRI_REQUEST_INVALID` when it is too large or cut off */
export function readBytes(message: IncomingMessage, largestBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    message.on('data', (chunk: Buffer) => {
      size += chunk.length
      // What comes after the limit is read and dropped: a client that is still sending would not see the answer.
      if (size > largestBytes) reject(requestInvalid(`its body is larger than ${largestBytes} bytes`))
      else chunks.push(chunk)
    })
    message.once('end', () => resolve(Buffer.concat(chunks)))
    message.once('error', () => reject(requestInvalid('the connection ended before its body did')))
  })
}
