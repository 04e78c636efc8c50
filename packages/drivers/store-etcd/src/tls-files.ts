import { readFile } from 'node:fs/promises'
import type { ClientSettings } from './client.ts'

/** Paths of PEM files. */
export interface TlsFiles {
  /** Who may sign the servers' certificates; without it, whom the system trusts. */
  readonly ca?: string
  /** Of this client; one needs the other. */
  readonly cert?: string
  readonly key?: string
}

/** @throws Error that names the file */
export async function readTlsFiles({ ca, cert, key }: TlsFiles): Promise<NonNullable<ClientSettings['tls']>> {
  const [caText, certText, keyText] = await Promise.all([ca, cert, key].map(read))
  return {
    ...(caText === undefined ? {} : { ca: caText }),
    ...(certText === undefined ? {} : { cert: certText }),
    ...(keyText === undefined ? {} : { key: keyText })
  }
}

async function read(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path)
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    throw new Error(`its TLS file ${path} cannot be read (${code})`, { cause })
  }
}
