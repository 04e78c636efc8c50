// Builds the product, bundles the programs test/bench/*.bench.ts in the same way, and runs them one after another, each in
// network and mount namespaces of its own: nothing of it can be left behind, however it ends.
// `npm run bench -- pod` runs those whose name contains "pod".
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const wanted = process.argv.slice(2)
const names = readdirSync(`${root}/test/bench`)
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.slice(0, -'.ts'.length))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
if (names.length === 0) {
  console.error(`no bench has ${wanted.join(' or ')} in its name`)
  process.exit(2)
}
if (process.getuid?.() !== 0) {
  console.error('the benches make network devices: run them as root')
  process.exit(1)
}

// Of yesterday's program the figures would be yesterday's.
await import('./build.mjs')
await build({
  absWorkingDir: root,
  entryPoints: names.map((name) => ({ in: `test/bench/${name}.ts`, out: name })),
  outdir: 'dist/bench',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['koffi', 'etcd3'],
  sourcemap: true,
  logLevel: 'warning'
})

mkdirSync('/run/netns', { recursive: true })
let status = 0
for (const name of names) {
  const inside = 'mount -t tmpfs tmpfs /run/netns && ip link set lo up && exec "$@"'
  const program = [process.execPath, '--enable-source-maps', `${root}/dist/bench/${name}.mjs`]
  const { status: ended } = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', inside, 'sh', ...program], {
    stdio: 'inherit'
  })
  if (ended !== 0) status = 1
}
process.exit(status)
