/**
 * The `SubnetStore` of a cluster: etcd v3, with flannel's keys and values.
 *
 * Start with {@link EtcdSubnetStore}. `client.ts` and `connection.ts` hold what `etcd3` must not do by itself;
 * `watch-stream.ts` and `witness.ts` are why no event is lost in silence.
 *
 * @packageDocumentation
 */
export { EtcdSubnetStore, type EtcdSubnetStoreOptions } from './etcd-subnet-store.ts'
export type { TlsFiles } from './tls-files.ts'
