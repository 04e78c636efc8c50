/**
 * This node's disk: pod address reservations in host-local's format ({@link HostLocalReservations}), records of
 * attached pods ({@link FileAttachments}), requests that no daemon has read yet ({@link FileSpool}), what the store said
 * last ({@link FileStoreCache}), and files that other programs read ({@link writeFileAtomic}).
 *
 * Whatever is written is durable when the call returns. Whatever cannot be read stays where it is and is reported.
 *
 * @packageDocumentation
 */
export { FileAttachments, type FileAttachmentsOptions } from './file-attachments.ts'
export { FileSpool, type FileSpoolOptions } from './file-spool.ts'
export { FileStoreCache, type FileStoreCacheOptions } from './file-store-cache.ts'
export { HostLocalReservations, type HostLocalReservationsOptions } from './host-local-reservations.ts'
export { type WriteFileOptions, writeFileAtomic } from './write-file-atomic.ts'
