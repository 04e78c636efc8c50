import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { build } from 'esbuild'

/** Runs a program of this folder, bundled, as a process of its own. What it prints on both streams is `output`. */
export async function runProcess(
  program: string,
  args: readonly string[]
): Promise<{ readonly status: number | null; readonly output: string }> {
  // Beside node_modules, where etcd3 is found: it loads its .proto files from beside itself.
  const file = new URL(`.build/${program}-${process.pid}.mjs`, import.meta.url).pathname
  await build({
    entryPoints: [new URL(`${program}.ts`, import.meta.url).pathname],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['etcd3'],
    logLevel: 'error',
    // Some of what is bundled is CommonJS and requires node's own modules.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
    }
  })
  try {
    const child = spawn(process.execPath, [file, ...args])
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        output += data
      })
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
    clearTimeout(timer)
    return { status, output }
  } finally {
    await rm(file, { force: true })
  }
}
