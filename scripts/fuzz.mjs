// Bundles test/fuzz/cni.fuzz.ts as the product is bundled and runs it: `npm run fuzz -- --seed 42 --runs 1000`.
// It uses the built programs (`npm run build`) and namespaces of its own.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
if (process.getuid?.() !== 0) {
  console.error('the fuzzer makes network namespaces: run it as root')
  process.exit(1)
}

await build({
  absWorkingDir: root,
  entryPoints: [{ in: 'test/fuzz/cni.fuzz.ts', out: 'cni-fuzz' }],
  outdir: 'dist/fuzz',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['koffi', 'etcd3'],
  sourcemap: true,
  logLevel: 'warning'
})

const program = ['--enable-source-maps', `${root}/dist/fuzz/cni-fuzz.mjs`, ...process.argv.slice(2)]
const { status } = spawnSync(process.execPath, program, { stdio: 'inherit' })
process.exit(status ?? 1)
