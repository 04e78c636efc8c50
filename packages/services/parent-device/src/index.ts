/**
 * The device of a node that pods of macvlan and ipvlan stand on: the options that name it, what makes it unfit, its VLAN,
 * the node's own child on it, and how pods are plugged into it. All of it pure.
 *
 * @packageDocumentation
 */
export { checkParent } from './check-parent.ts'
export { type ChildLinkWish, childPodLink } from './child-pod-link.ts'
export { gatewayOn } from './gateway.ts'
export { type HostChildWish, hostChildName, hostChildState } from './host-child.ts'
export { nodeAddressesOn } from './node-addresses.ts'
export {
  GATEWAY_OPTION,
  LIVE_PARENT_OPTION_NAMES,
  PARENT_OPTION_NAMES,
  type ParentOptions,
  parentOptions
} from './parent-options.ts'
export { separationsOf, VEPA_SIBLINGS } from './separations.ts'
export { type Stand, standOn, vlanDeviceName } from './stand.ts'
