import { mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const nativeModules = new URL('../../packages/drivers/kernel-linux/node_modules', import.meta.url)

/**
 * Makes one JavaScript file of a program of this folder, in a new temporary directory that the caller removes.
 * koffi stays outside, because it loads a native file from beside itself.
 */
export async function bundle(
  program: string
): Promise<{ readonly directory: string; readonly file: string }> {
  const directory = mkdtempSync(join(tmpdir(), `trilane-program-${process.pid}-`))
  symlinkSync(fileURLToPath(nativeModules), join(directory, 'node_modules'))
  const file = join(directory, `${basename(program, '.ts')}.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL(program, import.meta.url))],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['koffi'],
    logLevel: 'error'
  })
  return { directory, file }
}
