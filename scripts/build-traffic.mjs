// Makes dist/trilane-traffic, with which `trilane compare` measures. Without a C compiler there is none, and compare says so.
import { rm } from 'node:fs/promises'
import { compile, putInPlace } from './compile.mjs'

/** @param {string} root of the checkout, with a slash at its end */
export async function buildTraffic(root) {
  const program = `${root}dist/trilane-traffic`
  if (compile(`${root}packages/apps/lab/native/traffic.c`, `${program}.new`, ['-O2']))
    await putInPlace(program)
  else {
    console.error(
      'there is no dist/trilane-traffic, because cc did not make it: `trilane compare` cannot measure'
    )
    await rm(program, { force: true })
  }
}
