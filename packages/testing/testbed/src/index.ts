/**
 * Nodes, switches, routers and containers as network namespaces of this machine, and what is asked of them:
 * who reaches whom ({@link Reachability}), what is lost meanwhile ({@link startFlood}) and what passes a device
 * ({@link startCapture}). What the running kernel cannot make runs in another: {@link runInGuest}, {@link needsLinkTypes}.
 *
 * Built with iproute2 and not with Trilane's own kernel driver: a defect of the product cannot hide in the
 * apparatus that it is tested with.
 *
 * @packageDocumentation
 */
export { Capture, type CaptureOptions, startCapture } from './capture.ts'
export { type Certificate, CertificateAuthority } from './certificates.ts'
export { Etcd, type EtcdHost, EtcdMember, type EtcdOptions } from './etcd.ts'
export { type Flood, type FloodOptions, type FloodResult, startFlood } from './flood.ts'
export { type GuestOptions, isInGuest, runInGuest } from './guest.ts'
export { filesForGuest } from './guest-files.ts'
export { type FrameLayer, type LayeredFrame, layersOf } from './layers.ts'
export { LINK_TYPES, type LinkType, missingLinkTypes, needsLinkTypes } from './link-types.ts'
export { type ArpPacket, decodeFrame, type Frame, type IpHeader } from './packet.ts'
export { type PcapRecord, pcapFile } from './pcap-file.ts'
export { Place, type PlaceKind, Switch } from './place.ts'
export { type Echo, echo, type Probe } from './probe.ts'
export {
  type Captured,
  type Program,
  type RunOptions,
  runProgram,
  type SpawnOptions,
  startProgram
} from './program.ts'
export {
  type Expectation,
  Reachability,
  type ReachabilityFailure,
  type ReachabilityReport,
  type ReachabilityTarget,
  reachability
} from './reachability.ts'
export { answerOn, askTcp, keepAskingUdp } from './talk.ts'
export { TcpProxy } from './tcp-proxy.ts'
export { type HostOptions, type RouterOptions, Testbed, type TestbedOptions } from './testbed.ts'
