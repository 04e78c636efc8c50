// Makes the CNI plugin: dist/trilane-cni. With a C compiler that is a static program; without one, and always as
// dist/trilane-cni-script for the tests, a shell script that starts dist/cni.mjs.
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { compile, putInPlace } from './compile.mjs'

/** @param {string} root of the checkout, with a slash at its end */
export async function buildLauncher(root) {
  const script = `${root}dist/trilane-cni-script`
  await writeFile(`${script}.new`, await scriptText(root))
  await putInPlace(script)

  const plugin = `${root}dist/trilane-cni`
  const { version } = JSON.parse(await readFile(`${root}packages/apps/cni/package.json`, 'utf8'))
  const source = `${root}packages/apps/cni/launcher/launcher.c`
  if (!compile(source, `${plugin}.new`, ['-Os', `-DTRILANE_VERSION="${version}"`])) {
    console.error(
      'the CNI plugin is a script, because cc did not make it a program; it takes 25 to 60 ms a call, not 1'
    )
    await copyFile(script, `${plugin}.new`)
  }
  await putInPlace(plugin)
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
