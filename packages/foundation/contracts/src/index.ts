/**
 * Every interface of Trilane, every error code, the injection tokens. More comment than code, and no behaviour.
 *
 * Start with {@link Backend}: what a way of carrying packets is. Then {@link KernelState}, the data that it
 * computes, and {@link Kernel}, the port that the reconciler writes it through. {@link SubnetStore},
 * {@link SubnetManager} and {@link AddressPool} are the other three that the rest hangs on.
 *
 * @packageDocumentation
 */
export * from './address-pool.ts'
export * from './agent-api.ts'
export * from './attachment.ts'
export * from './backend.ts'
export * from './error-table.ts'
export * from './errors.ts'
export * from './firewall.ts'
export * from './foreign-links.ts'
export * from './host-port.ts'
export * from './ip-command.ts'
export * from './ipam-call.ts'
export * from './kernel.ts'
export * from './kernel-object-key.ts'
export * from './kernel-state.ts'
export * from './lease.ts'
export * from './network-config.ts'
export * from './nft-text.ts'
export * from './node-facts.ts'
export * from './pod-link.ts'
export * from './segment.ts'
export * from './store-cache.ts'
export * from './subnet-manager.ts'
export * from './subnet-store.ts'
export * from './surroundings.ts'
export * from './tokens.ts'
