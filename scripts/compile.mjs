// Programs of C.
import { spawnSync } from 'node:child_process'
import { chmod, rename } from 'node:fs/promises'

/**
 * Compiles one file to a program, and says what is wrong with it if it can.
 *
 * @param {string} source
 * @param {string} program
 * @param {string[]} flags
 * @returns {boolean} false when there is no compiler, or it refuses
 */
export function compile(source, program, flags) {
  const words = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-s', ...flags]
  const cc = (...more) => spawnSync('cc', [...words, ...more, '-o', program, source], { encoding: 'utf8' })
  // Static: no loader runs before main. Not every system has libc for that.
  let compiled = cc('-static')
  if (compiled.status !== 0) compiled = cc()
  if (compiled.status !== 0 && compiled.error === undefined) console.error(compiled.stderr)
  return compiled.status === 0
}

/**
 * `path.new` becomes `path`: a program that is started meanwhile is the old one or the new one; one that runs can be
 * replaced only so.
 *
 * @param {string} path
 */
export async function putInPlace(path) {
  await chmod(`${path}.new`, 0o755)
  await rename(`${path}.new`, path)
}
