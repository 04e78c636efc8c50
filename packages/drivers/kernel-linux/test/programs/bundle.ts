import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const nativeModules = fileURLToPath(new URL('../../node_modules', import.meta.url))

/**
 * Makes one CommonJS file of a program of this folder, in a new temporary directory. As CommonJS, because Node loads an
 * ES module through its thread pool, and some programs are about what happens before anything has used the pool.
 */
export async function bundle(program: string): Promise<{ readonly file: string; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), `trilane-program-${process.pid}-`))
  symlinkSync(nativeModules, join(directory, 'node_modules'))
  const file = join(directory, 'program.cjs')
  await build({
    entryPoints: [fileURLToPath(new URL(program, import.meta.url))],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['koffi'],
    logLevel: 'error'
  })
  return { file, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
