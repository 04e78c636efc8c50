// Makes the CNI plugin: dist/trilane-cni. With a C compiler that is a static program; without one, and always as
// dist/trilane-cni-script for the tests, a shell script that starts dist/cni.mjs.
import { spawnSync } from 'node:child_process'
import { chmod, copyFile, readFile, rename, writeFile } from 'node:fs/promises'

/** @param {string} root of the checkout, with a slash at its end */
export async function buildLauncher(root) {
  const script = `${root}dist/trilane-cni-script`
  await writeFile(`${script}.new`, await scriptText(root))
  await putInPlace(script)

  const plugin = `${root}dist/trilane-cni`
  const { version } = JSON.parse(await readFile(`${root}packages/apps/cni/package.json`, 'utf8'))
  const flags = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-Os', '-s', `-DTRILANE_VERSION="${version}"`]
  const source = `${root}packages/apps/cni/launcher/launcher.c`
  const compile = (...more) =>
    spawnSync('cc', [...flags, ...more, '-o', `${plugin}.new`, source], { encoding: 'utf8' })
  // Static: no loader runs before main. Not every system has libc for that.
  let compiled = compile('-static')
  if (compiled.status !== 0) compiled = compile()
  if (compiled.status !== 0) {
    if (compiled.error === undefined) console.error(compiled.stderr)
    console.error(
      'the CNI plugin is a script, because cc did not make it a program; it takes 25 to 60 ms a call, not 1'
    )
    await copyFile(script, `${plugin}.new`)
  }
  await putInPlace(plugin)
}

/** A plugin that is started meanwhile is the old one or the new one; one that runs can be replaced only so. */
async function putInPlace(path) {
  await chmod(`${path}.new`, 0o755)
  await rename(`${path}.new`, path)
}

/** Runtimes ask VERSION often, and Node.js takes 20 times as long to start as a shell. */
async function scriptText(root) {
  const versions = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']
  const answer = JSON.stringify({ cniVersion: '1.1.0', supportedVersions: versions })
  return `#!/bin/sh
[ "\${CNI_COMMAND:-}" != VERSION ] || exec printf '%s\\n' '${answer}'
exec '${process.execPath}' --disable-warning=ExperimentalWarning '${root}dist/cni.mjs'
`
}
