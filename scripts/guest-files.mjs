// Which test files the running kernel cannot run. The answer is the testbed's; it is TypeScript, which Node.js and vitest's
// config cannot import as it stands.
import { resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')

/** @returns {Promise<string[]>} absolute paths, sorted */
export async function filesForGuest() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['packages/testing/testbed/src/index.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false
  })
  const source = outputFiles[0].text
  const testbed = await import(`data:text/javascript,${encodeURIComponent(source)}`)
  return testbed.filesForGuest(`${root}/test`, testbed.missingLinkTypes)
}
