import { readdirSync, readlinkSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { LinuxKernel } from '../../src/index.ts'
import { NetworkNamespace } from '../../src/namespaces.ts'

/**
 * `pool-threads cold|opened NAMESPACE`: uses the thread pool for the first time inside the namespace (`cold`), or after
 * a kernel was opened, then prints the namespaces that the threads of this process are in.
 */
async function main(mode: string, path: string): Promise<void> {
  const kernel = mode === 'opened' ? await LinuxKernel.open({ namespace: path }) : undefined
  const namespace = NetworkNamespace.open(path)
  let pending: Promise<unknown> = Promise.resolve()
  namespace.run(() => {
    pending = stat('/')
  })
  await pending
  const threads = readdirSync('/proc/self/task').map((id) => readlinkSync(`/proc/self/task/${id}/ns/net`))
  process.stdout.write(JSON.stringify({ threads: threads.length, namespaces: [...new Set(threads)] }))
  kernel?.close()
}

void main(process.argv[2] ?? '', process.argv[3] ?? '')
