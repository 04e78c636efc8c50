import { CniError } from './cni-error.ts'
import { Fields, isObject } from './fields.ts'
import { readJson } from './json.ts'

/** As libcni has it for a plugin that ends with a failure and says nothing that can be read. */
const UNREADABLE_CODE = 999

/** What a plugin that failed has said on stdout: its own error object, or what there is instead. Never throws. */
export function readPluginError(stdout: string, status: string): CniError {
  try {
    const json = readJson(new TextEncoder().encode(stdout))
    if (isObject(json)) {
      const fields = new Fields(json)
      const message = fields.text('msg') ?? ''
      return new CniError(fields.count('code') ?? UNREADABLE_CODE, message, fields.text('details') ?? '')
    }
  } catch {
    // Not what the specification asks for: said below.
  }
  const said = stdout.trim().slice(0, 500)
  return new CniError(UNREADABLE_CODE, `netplugin failed: ${said === '' ? 'no error message' : said}`, status)
}
