import { type Family, type Prefix, valuesOf } from '@trilane/ip'
import type { Place, Switch, Testbed } from '@trilane/testbed'
import { interfaceAddresses, type LabPlan, type NodePlan, withLengths } from './plan.ts'

/** What is on the segment beside the nodes. */
export interface Surroundings {
  readonly segment: Switch
  /** Behind the router. */
  readonly far?: Switch
  readonly outside: Place
  readonly router?: Place
}

/** The switch, the host outside and, where pods are on the nodes' own network or other nodes are elsewhere, the router. */
export async function buildSegment(bed: Testbed, plan: LabPlan): Promise<Surroundings> {
  const segment = await bed.addSwitch('segment')
  const outside = await bed.addOutside(plan.outside.name, {
    switch: segment,
    addresses: interfaceAddresses(plan, plan.outside),
    gateways: gatewaysOf(plan)
  })
  const far = plan.far === undefined ? undefined : await bed.addSwitch('far')
  const { router: routerPlan, vlan } = plan
  if (vlan !== undefined) await addVlan(outside, vlan.id, withLengths(vlan.outside, vlan.network))
  if (routerPlan === undefined) return { segment, outside }
  const { linkLocal, beyond } = routerPlan
  const onLink = linkLocal === undefined ? [] : [`${linkLocal}/64`]
  const own = interfaceAddresses(plan, routerPlan)
  const router = await bed.addRouter(routerPlan.name, {
    ports: [
      { switch: segment, addresses: vlan === undefined ? [...own, ...onLink] : own },
      ...(far === undefined || plan.far === undefined
        ? []
        : [{ switch: far, addresses: withLengths(plan.far.router, plan.far.network) }])
    ]
  })
  for (const address of valuesOf(beyond))
    await router.run(['ip', 'address', 'add', `${address}`, 'dev', 'lo'])
  if (vlan !== undefined)
    await addVlan(router, vlan.id, [...withLengths(vlan.router, vlan.network), ...onLink])
  return { segment, outside, router, ...(far === undefined ? {} : { far }) }
}

/** Of a machine on the segment, or on the far one: none where no router is. */
export function gatewaysOf(
  { router, far }: Pick<LabPlan, 'router' | 'far'>,
  { isFar }: Pick<NodePlan, 'isFar'> = {}
): string[] {
  const addresses = isFar === true && far !== undefined ? far.router : router?.addresses
  return addresses === undefined ? [] : valuesOf(addresses).map(String)
}

/** A machine's own leg in the VLAN that pods are on. */
async function addVlan(place: Place, id: number, addresses: readonly string[]): Promise<void> {
  const device = `eth0.${id}`
  await place.run(['ip', 'link', 'add', 'link', 'eth0', 'name', device, 'type', 'vlan', 'id', `${id}`])
  for (const address of addresses) {
    const nodad = address.includes(':') ? ['nodad'] : []
    await place.run(['ip', 'address', 'add', address, 'dev', device, ...nodad])
  }
  await place.run(['ip', 'link', 'set', 'dev', device, 'up'])
}

/**
 * What a physical router is told where nodes route for their pods: each node's subnets lie behind that node. Pods keep their
 * addresses on the way out, and answers find the way back.
 */
export async function routeBack(
  place: Place,
  subnets: readonly { readonly subnet: Prefix; readonly via: string }[]
): Promise<void> {
  for (const { subnet, via } of subnets) {
    await place.run(['ip', ROUTE_FAMILY[subnet.family], 'route', 'replace', `${subnet}`, 'via', via])
  }
}

export const ROUTE_FAMILY: Readonly<Record<Family, string>> = { v4: '-4', v6: '-6' }

/** MAC of a place's `eth0`, as the place itself says. */
export async function macOf(place: Place): Promise<string> {
  const { stdout } = await place.run(['ip', '-json', 'link', 'show', 'dev', 'eth0'])
  const [link] = JSON.parse(stdout) as readonly { readonly address: string }[]
  return link?.address ?? ''
}
