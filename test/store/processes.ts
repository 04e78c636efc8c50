import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** Processes that share one store, and the directory that it is in. */
export class StoreProcesses {
  readonly directory: string
  readonly #worker: string
  readonly #parent: string
  readonly #children = new Set<ChildProcess>()

  private constructor(parent: string) {
    this.#parent = parent
    this.directory = join(parent, 'store')
    this.#worker = new URL(`.build/worker-${process.pid}.mjs`, import.meta.url).pathname
  }

  static async start(): Promise<StoreProcesses> {
    const processes = new StoreProcesses(mkdtempSync(join(tmpdir(), `trilane-store-${process.pid}-`)))
    await build({
      entryPoints: [new URL('worker.ts', import.meta.url).pathname],
      outfile: processes.#worker,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: ['koffi'],
      // Some of what is bundled is CommonJS and requires node's own modules.
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
      }
    })
    return processes
  }

  /** @returns the process, and what it wrote to stdout once it has ended well */
  spawn(...args: readonly (string | number)[]): {
    readonly child: ChildProcess
    readonly output: Promise<string>
  } {
    const child = spawn(process.execPath, [this.#worker, ...args.map(String)], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.#children.add(child)
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const output = new Promise<string>((resolve, reject) => {
      child.on('close', (code, signal) => {
        this.#children.delete(child)
        if (code === 0) resolve(stdout)
        else reject(new Error(`worker ended with ${code ?? signal}: ${stderr}`))
      })
    })
    return { child, output }
  }

  stop(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(this.#worker, { force: true })
    rmSync(this.#parent, { recursive: true, force: true })
  }
}
