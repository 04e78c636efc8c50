/**
 * The `SubnetStore` of one machine: a directory that any number of processes share. The embedded default, where no
 * etcd is wanted.
 *
 * Start with {@link FileSubnetStore}; `layout.ts` draws the directory and says what makes a change take effect.
 *
 * @packageDocumentation
 */
export { FileSubnetStore, type FileSubnetStoreOptions } from './file-subnet-store.ts'
