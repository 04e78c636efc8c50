/**
 * The `Kernel` port on Linux: {@link LinuxKernel}, a thin rtnetlink layer over FFI (docs/decisions/0001), and the
 * `Firewall` port: {@link LinuxFirewall}, on libnftables; the `Segment` port: {@link LinuxSegment}, on raw sockets.
 * {@link FrameCapture} sees what passes devices of several namespaces.
 *
 * One socket per namespace, requests answered before `sendmsg` returns, many in one send; events through a guarded poll;
 * namespaces entered for the moment in which a socket is made. {@link LinuxFileLocks}, {@link LinuxDirectoryWatches} and
 * {@link peerCredentials} are here because they too need a system call that Node does not have.
 *
 * @packageDocumentation
 */

export type { CaptureRecord } from './capture-socket.ts'
export { LinuxDirectoryWatches } from './directory-watches.ts'
export { LinuxFileLocks } from './file-locks.ts'
export { type CapturedFrame, type CapturePoint, FrameCapture } from './frame-capture.ts'
export { LinuxKernel, type LinuxKernelOptions } from './linux-kernel.ts'
export { LinuxSegment } from './linux-segment.ts'
export { LinuxFirewall, type LinuxFirewallOptions } from './nft/linux-firewall.ts'
export { sendDatagram } from './notify.ts'
export { type PeerCredentials, peerCredentials } from './peer-credentials.ts'
