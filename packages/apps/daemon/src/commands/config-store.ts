import { TrilaneError } from '@trilane/contracts'
import { readTextFile } from '@trilane/terminal'
import { checkConfigText } from '../store-commands.ts'
import { storeWords, withStoreApi } from './store-access.ts'

/** `trilane config get [--json] [flags of the daemon]`: the network config as it stands in the store. */
export async function getConfig(args: readonly string[]): Promise<void> {
  const { json, config } = storeWords(args)
  const stored = await withStoreApi(config, (api) => api.config())
  const end = stored.text.endsWith('\n') ? '' : '\n'
  process.stdout.write(json ? `${JSON.stringify(stored, null, 2)}\n` : `${stored.text}${end}`)
}

/** `trilane config set FILE [--json] [flags of the daemon]`: checks it and puts it into the store. */
export async function setConfig(args: readonly string[]): Promise<void> {
  const { names, json, config } = storeWords(args)
  const [file, ...more] = names
  if (file === undefined || more.length > 0) {
    throw TrilaneError.of('TRI_USAGE', { problem: 'name one file', command: 'config set' })
  }
  const text = await readTextFile(file)
  // Here its errors have the file's name, and its warnings are seen.
  const { warnings } = checkConfigText(text, file)
  for (const warning of warnings) process.stderr.write(`warning: ${warning.place}: ${warning.text}\n`)
  const stored = await withStoreApi(config, (api) => api.setConfig(text))
  process.stdout.write(
    json ? `${JSON.stringify(stored, null, 2)}\n` : `${file}: stored, revision ${stored.revision}\n`
  )
}
