import { closeSync } from 'node:fs'
import type { AttachmentKey } from '@trilane/contracts'
import type { IpAddress } from '@trilane/ip'

/** What one work did to a directory of reservations, until the disk has it. */
export class UnsyncedChanges {
  readonly created: { readonly address: IpAddress; readonly key: AttachmentKey; readonly file: number }[] = []
  readonly removed: IpAddress[] = []

  /** To be called when nothing waits for the files any more. */
  close(): void {
    for (const { file } of this.created.splice(0)) closeSync(file)
  }
}
