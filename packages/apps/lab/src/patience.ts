import { isInGuest } from '@trilane/testbed'

/** How many times longer everything may take: a guest kernel without KVM is emulated, on a machine that does other things. */
export const PATIENCE = isInGuest() ? 6 : 1
