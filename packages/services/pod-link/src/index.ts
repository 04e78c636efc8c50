/**
 * How pods are plugged into a node, in two halves: what is wanted as data ({@link bridgedPodState},
 * {@link bridgedPodLink}, {@link podLinkStates}, {@link childLinkStates}), and {@link BridgePodLinks} and
 * {@link ChildPodLinks}, which write it through the `Kernel` port; {@link NodePodLinks} is both.
 *
 * @packageDocumentation
 */
export { BridgePodLinks } from './bridge-pod-links.ts'
export { bridgedPodLink, bridgedPodState, gatewayOf } from './bridged-network.ts'
export { type ChildLinkPlan, childLinkStates } from './child-link-states.ts'
export { ChildPodLinks } from './child-pod-links.ts'
export { ForeignPodLinks } from './foreign-pod-links.ts'
export { addressesOf } from './inside-pod.ts'
export { hostDeviceName } from './names.ts'
export { NodePodLinks } from './node-pod-links.ts'
export { type PodLinkPlan, podLinkStates } from './pod-link-states.ts'
export { gatewayFor, podRoutes, routesOf } from './pod-routes.ts'
export { refuseAdvertisements } from './router-advertisements.ts'
