// Bundles each program into one file: dist/daemon.mjs, dist/cli.mjs, dist/lab.mjs, dist/cni.mjs. Then makes the programs of C:
// the CNI plugin, and what measures.
import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildLauncher } from './build-launcher.mjs'
import { buildTraffic } from './build-traffic.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

// CommonJS dependencies inside an ES module still ask for these three.
const banner = `import { createRequire as createRequireForBundle } from 'node:module'
const require = createRequireForBundle(import.meta.url)
const __filename = import.meta.filename
const __dirname = import.meta.dirname`

const entryPoints = ['daemon', 'cli', 'lab', 'cni'].flatMap((app) => {
  const main = `packages/apps/${app}/src/main.ts`
  return existsSync(`${root}/${main}`) ? [{ in: main, out: app }] : []
})

const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints,
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // They load files from beside themselves, so they cannot move into a bundle; the root package.json has them for dist/.
  external: ['koffi', 'etcd3'],
  sourcemap: true,
  banner: { js: banner },
  logLevel: 'warning',
  write: false
})

await mkdir(`${root}/dist`, { recursive: true })
for (const { path, contents } of outputFiles) {
  // A program that is started meanwhile finds the old file or the new one, never half of one.
  await writeFile(`${path}.new`, contents)
  await rename(`${path}.new`, path)
}

await buildLauncher(root)
await buildTraffic(root)
