import type { AttachmentKey } from '@trilane/contracts'
import { CniError } from './cni-error.ts'
import type { Fields } from './fields.ts'

/** The text of specification 1.1.0 at its tag, and the text and library after it. */
const KEYS = ['cni.dev/attachments', 'cni.dev/valid-attachments'] as const

/**
 * What GC says is still valid, under either key, or both.
 *
 * @returns `undefined` when neither key is there: the runtime gave no list. `null` is an empty list.
 * @throws CniError 7 for a list that cannot be read: what it says is not guessed, because the rest is removed
 */
export function readValidAttachments(config: Fields): readonly AttachmentKey[] | undefined {
  const present = KEYS.filter((key) => config.has(key))
  if (present.length === 0) return undefined
  return present.flatMap((key) =>
    config.objects(key).map((entry) => {
      const containerId = entry.text('containerID')
      const ifname = entry.text('ifname')
      if (containerId !== undefined && ifname !== undefined) return { containerId, ifname }
      throw new CniError(7, `${key} has an entry without containerID or ifname`, 'nothing was removed')
    })
  )
}
