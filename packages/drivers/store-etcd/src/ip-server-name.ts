import process from 'node:process'
import { PassThrough } from 'node:stream'
import { connect } from 'node:tls'

let muted = false

/**
 * grpc-js names an endpoint to TLS as it is written, also when it is an address. That works – the certificate's
 * addresses are compared – but Node prints DEP0123 once in each process, between the log lines. Here Node gets its one
 * occasion while deprecations are not printed: a connection to nobody.
 */
export function muteIpServerNameWarning(): void {
  if (muted) return
  muted = true
  const { noDeprecation } = process
  process.noDeprecation = true
  try {
    connect({ socket: new PassThrough() as never, servername: '127.0.0.1' })
      .on('error', () => {})
      .destroy()
  } finally {
    process.noDeprecation = noDeprecation as boolean
  }
}
