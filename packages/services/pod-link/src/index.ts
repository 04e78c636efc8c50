/**
 * How pods are plugged into a node, in two halves: what is wanted as data ({@link bridgedPodState},
 * {@link bridgedPodLink}, {@link podLinkStates}), and {@link BridgePodLinks}, which writes it through the `Kernel` port.
 *
 * @packageDocumentation
 */
export { BridgePodLinks } from './bridge-pod-links.ts'
export { bridgedPodLink, bridgedPodState, gatewayOf } from './bridged-network.ts'
export { ForeignPodLinks } from './foreign-pod-links.ts'
export { hostDeviceName } from './names.ts'
export { addressesOf, type PodLinkPlan, podLinkStates } from './pod-link-states.ts'
export { podRoutes, routesOf } from './pod-routes.ts'
export { refuseAdvertisements } from './router-advertisements.ts'
