import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Program, type RunOptions, runProgram, type SpawnOptions, startProgram } from './program.ts'

/** Where its members run; a {@link Place} is one. Default: this machine's own namespace. */
export interface EtcdHost {
  run(argv: readonly string[], options?: RunOptions): Promise<{ readonly stdout: string }>
  spawn(argv: readonly string[], options?: SpawnOptions): Promise<Program>
}

export interface EtcdOptions {
  /** @default 1 */
  readonly members?: number
  /** PEM files: with them it speaks https; with `clientCa` it wants client certificates of that CA. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string }
  /** For `etcdctl`, where `clientCa` is set. */
  readonly clientTls?: { readonly cert: string; readonly key: string }
  /** More of etcd's own flags. */
  readonly flags?: readonly string[]
  readonly host?: EtcdHost
  /** An address of `host`. @default 127.0.0.1 */
  readonly address?: string
  /** Where its own directory is made. @default the system's for temporary files */
  readonly parent?: string
}

const HERE: EtcdHost = { run: runProgram, spawn: startProgram }

/** How long a member may take to answer. Machines are shared, and three members elect first. */
const READY_MS = 30_000

/** The real etcd of Debian on ports and in directories of its own. Its members die with this process. */
export class Etcd {
  readonly members: readonly EtcdMember[]
  readonly #directory: string
  readonly #options: EtcdOptions

  private constructor(members: readonly EtcdMember[], directory: string, options: EtcdOptions) {
    this.members = members
    this.#directory = directory
    this.#options = options
  }

  /** @returns when every member answers */
  static async start(options: EtcdOptions = {}): Promise<Etcd> {
    const { members: count = 1, host = HERE, address = '127.0.0.1', parent = tmpdir() } = options
    const directory = await mkdtemp(join(parent, `trilane-etcd-${process.pid}-`))
    const authority = address.includes(':') ? `[${address}]` : address
    const ports = await freePorts(2 * count)
    const scheme = options.tls === undefined ? 'http' : 'https'
    const plan = Array.from({ length: count }, (_, i) => ({
      name: `m${i + 1}`,
      url: `${scheme}://${authority}:${ports[2 * i]}`,
      peerUrl: `http://${authority}:${ports[2 * i + 1]}`
    }))
    const initialCluster = plan.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')
    const members = plan.map(
      ({ name, url, peerUrl }) =>
        new EtcdMember(url, join(directory, name), host, [
          ...['etcd', '--name', name, '--data-dir', join(directory, name)],
          ...['--listen-client-urls', url, '--advertise-client-urls', url],
          ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
          ...['--initial-cluster', initialCluster, '--initial-cluster-token', directory],
          ...['--logger', 'zap', '--log-level', 'warn'],
          ...tlsFlags(options.tls),
          ...(options.flags ?? [])
        ])
    )
    const etcd = new Etcd(members, directory, options)
    try {
      await Promise.all(members.map((member) => member.start()))
      await etcd.ready()
      return etcd
    } catch (error) {
      await etcd.dispose()
      throw error
    }
  }

  get endpoints(): readonly string[] {
    return this.members.map(({ url }) => url)
  }

  /** For clusters of one. */
  get url(): string {
    return this.member(1).url
  }

  /** @param number from 1 */
  member(number: number): EtcdMember {
    const member = this.members[number - 1]
    if (member === undefined) throw new RangeError(`there is no etcd member ${number}`)
    return member
  }

  /** `etcdctl` against the running members; what it prints. @throws TrilaneError `TRI_COMMAND_FAILED` with its words */
  async ctl(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { tls, clientTls, host = HERE } = this.#options
    const running = this.members.filter((member) => member.running).map(({ url }) => url)
    const argv = [
      ...['etcdctl', '--endpoints', running.join(','), '--dial-timeout', '2s', '--command-timeout', '10s'],
      ...(tls === undefined ? [] : ['--insecure-transport=false', '--insecure-skip-tls-verify']),
      ...(clientTls === undefined ? [] : ['--cert', clientTls.cert, '--key', clientTls.key]),
      ...args
    ]
    return (await host.run(argv, { ...options, env: { ETCDCTL_API: '3', ...options.env } })).stdout
  }

  /** When every running member answers. */
  async ready(): Promise<void> {
    const deadline = performance.now() + READY_MS
    for (;;) {
      const dead = this.members.find(({ failure }) => failure !== undefined)
      if (dead !== undefined) throw new Error(`etcd ended: ${dead.failure}`)
      try {
        // A read that the cluster agrees on; `endpoint health` fails where authentication is on.
        await this.ctl(['endpoint', 'status'])
        const { tls } = this.#options
        if (tls === undefined) await this.#healthy()
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
      await sleep(50)
    }
  }

  /** The member that leads now; waits for an election that is under way. */
  async leader(): Promise<EtcdMember> {
    const deadline = performance.now() + READY_MS
    for (;;) {
      const text = await this.ctl(['endpoint', 'status', '--write-out', 'json'])
      // Ids are longer than a JavaScript number is exact.
      const answers: readonly {
        readonly Endpoint: string
        readonly Status: { readonly header: { readonly member_id: string }; readonly leader: string }
      }[] = JSON.parse(text.replace(/("(?:member_id|leader)":)(\d+)/g, '$1"$2"'))
      const leading = answers.find(({ Status }) => Status.header.member_id === Status.leader)
      const member = this.members.find(({ url }) => url === leading?.Endpoint)
      if (member !== undefined) return member
      if (performance.now() > deadline) throw new Error(`etcd has no leader: ${text}`)
      await sleep(50)
    }
  }

  /** Stops everything and removes its directories. */
  async dispose(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
    await rm(this.#directory, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  async #healthy(): Promise<void> {
    const { host = HERE } = this.#options
    for (const { url, running } of this.members) {
      if (running) await host.run(['curl', '--silent', '--fail', '--max-time', '2', `${url}/health`])
    }
  }
}

/** One process of etcd; it may be killed and started again on the same data. */
export class EtcdMember {
  readonly url: string
  readonly #dataDirectory: string
  readonly #host: EtcdHost
  readonly #argv: readonly string[]
  #program: Program | undefined

  constructor(url: string, dataDirectory: string, host: EtcdHost, argv: readonly string[]) {
    this.url = url
    this.#dataDirectory = dataDirectory
    this.#host = host
    this.#argv = argv
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#program?.pid
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  get running(): boolean {
    return this.#program?.running === true
  }

  /** Its last words, when it ended though nobody killed it. */
  get failure(): string | undefined {
    return this.#program === undefined || this.#program.running
      ? undefined
      : this.#program.stderr.slice(-2_000)
  }

  /** Does not wait for an answer: see {@link Etcd.ready}. */
  async start(): Promise<void> {
    this.#program = await this.#host.spawn(this.#argv)
  }

  /** SIGKILL; @returns when it has ended */
  async kill(): Promise<void> {
    const program = this.#program
    this.#program = undefined
    if (program === undefined) return
    program.kill('SIGCONT')
    program.kill('SIGKILL')
    await program.exited
  }

  /** SIGSTOP: its connections stay, nobody answers. */
  pause(): void {
    this.#program?.kill('SIGSTOP')
  }

  resume(): void {
    this.#program?.kill('SIGCONT')
  }

  /** Of a member that does not run: the next start begins with nothing. */
  async wipe(): Promise<void> {
    await rm(this.#dataDirectory, { recursive: true, force: true })
  }
}

function tlsFlags(tls: EtcdOptions['tls']): readonly string[] {
  if (tls === undefined) return []
  const client = tls.clientCa === undefined ? [] : ['--client-cert-auth', '--trusted-ca-file', tls.clientCa]
  return ['--cert-file', tls.cert, '--key-file', tls.key, ...client]
}

/** Held together until all are known, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve, reject) => {
            server.once('error', reject)
            server.listen(0, '127.0.0.1', () => {
              const address = server.address()
              if (typeof address === 'object' && address !== null) resolve(address.port)
            })
          })
      )
    )
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}
