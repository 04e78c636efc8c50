import type { NodeConfig } from '@trilane/config'
import type { Clock, FileLocks, Logger, SubnetStore } from '@trilane/contracts'
import { FileSubnetStore } from '@trilane/store-file'

/** The store that the configuration names. Nothing is read or made yet. */
export function openStore(
  config: NodeConfig,
  parts: { readonly locks: FileLocks; readonly clock: Clock; readonly logger: Logger }
): SubnetStore {
  return new FileSubnetStore({ directory: config.storeDirectory, ...parts })
}
