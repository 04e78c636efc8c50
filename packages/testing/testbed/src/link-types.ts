import { spawnSync } from 'node:child_process'

/** As `ip link add type` names them: those that kernels lack now and then. */
export const LINK_TYPES = ['vxlan', 'macvlan', 'ipvlan', 'vlan'] as const
export type LinkType = (typeof LINK_TYPES)[number]

const DETAILS: Readonly<Record<LinkType, string>> = {
  vxlan: 'type vxlan id 1 dstport 4789',
  macvlan: 'link parent type macvlan',
  ipvlan: 'link parent type ipvlan',
  vlan: 'link parent type vlan id 1'
}

const known = new Map<LinkType, boolean>()

/**
 * Which of these link types the running kernel cannot make: each is tried, in a namespace that ends with the trial. A
 * version would not tell; kernels are built with and without, and modules are there or not. Needs root.
 *
 * @throws Error when a trial fails for another reason than the type
 */
export function missingLinkTypes(types: readonly LinkType[] = LINK_TYPES): LinkType[] {
  return types.filter((type) => !canMake(type))
}

/**
 * States, as the first thing in a test file, which link types its tests make. `npm test` reads this line off the file,
 * without running it, and runs the file in a guest kernel where the running one lacks one of them: it must stand at the
 * start of a line and have the types as plain texts.
 *
 * @throws Error where the running kernel lacks one: a file that was started on the wrong kernel fails, and is not skipped
 */
export function needsLinkTypes(...types: readonly [LinkType, ...LinkType[]]): void {
  const missing = missingLinkTypes(types)
  if (missing.length === 0) return
  throw new Error(
    `this kernel has no ${missing.join(', ')}: \`npm run test:guest -- FILE\` runs the file in a guest kernel`
  )
}

function canMake(type: LinkType): boolean {
  const answer = known.get(type) ?? tryToMake(type)
  known.set(type, answer)
  return answer
}

function tryToMake(type: LinkType): boolean {
  const { status, stderr, error } = spawnSync('unshare', ['--net', 'ip', '-batch', '-'], {
    encoding: 'utf8',
    input: `link add name parent type veth peer name other\nlink add name child ${DETAILS[type]}\n`
  })
  if (status === 0) return true
  if (/Unknown device type|Operation not supported/.test(stderr)) return false
  throw new Error(`whether this kernel has ${type} cannot be told: ${error?.message ?? stderr.trim()}`)
}
