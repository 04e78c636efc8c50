import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './program.ts'

export interface Certificate {
  /** Paths of PEM files. */
  readonly cert: string
  readonly key: string
}

/** A certificate authority of a test's own, made with openssl. */
export class CertificateAuthority {
  /** Path of its own certificate. */
  readonly cert: string
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
    this.cert = join(directory, 'ca.pem')
  }

  static async create(): Promise<CertificateAuthority> {
    const authority = new CertificateAuthority(await mkdtemp(join(tmpdir(), `trilane-ca-${process.pid}-`)))
    await runProgram([
      ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', join(authority.#directory, 'ca-key.pem'), '-out', authority.cert],
      ...['-days', '2', '-subj', '/CN=trilane test']
    ])
    return authority
  }

  /**
   * @param name its common name: what etcd takes for the user
   * @param alternatives `IP:127.0.0.1`, `DNS:localhost`: where a server with it may be
   */
  async issue(name: string, alternatives: readonly string[] = [], days = 2): Promise<Certificate> {
    const path = (suffix: string) => join(this.#directory, `${name}${suffix}`)
    const issued = { cert: path('.pem'), key: path('-key.pem') }
    await runProgram([
      ...['openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', issued.key, '-out', path('.csr'), '-subj', `/CN=${name}`]
    ])
    const names = alternatives.length === 0 ? '' : `subjectAltName=${alternatives.join(',')}\n`
    await writeFile(path('.ext'), `${names}extendedKeyUsage=serverAuth,clientAuth\n`)
    await runProgram([
      ...['openssl', 'x509', '-req', '-in', path('.csr'), '-CA', this.cert, '-CAcreateserial'],
      ...['-CAkey', join(this.#directory, 'ca-key.pem'), '-out', issued.cert, '-extfile', path('.ext')],
      ...['-days', String(days)]
    ])
    return issued
  }

  async dispose(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }
}
