import type { NodeConfig } from '@trilane/config'
import type { Clock, FileLocks, Logger, SubnetStore } from '@trilane/contracts'
import { EtcdSubnetStore } from '@trilane/store-etcd'
import { FileSubnetStore } from '@trilane/store-file'

/** Where this node's settings say that leases are kept. Nothing is touched before the first call. */
export function openStore(
  { etcd, storeDirectory }: NodeConfig,
  { locks, clock, logger }: { readonly locks: FileLocks; readonly clock: Clock; readonly logger: Logger }
): SubnetStore {
  return etcd === undefined
    ? new FileSubnetStore({ directory: storeDirectory, locks, clock, logger })
    : new EtcdSubnetStore({ ...etcd, clock, logger })
}
