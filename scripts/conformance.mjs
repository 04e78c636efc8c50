// Bundles test/conformance/conformance.ts and runs it: `npm run conformance`, or `npm run conformance -- --help`.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

await build({
  absWorkingDir: root,
  entryPoints: ['test/conformance/conformance.ts'],
  outfile: 'dist/conformance/conformance.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['koffi', 'etcd3'],
  sourcemap: true,
  logLevel: 'warning'
})

const program = `${root}/dist/conformance/conformance.mjs`
const argv = ['--enable-source-maps', program, ...process.argv.slice(2)]
const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit', cwd: root })
process.exit(status ?? 1)
