import { allOf } from '../../all-of.ts'
import type { WireDevice } from './subject.ts'

/**
 * What lets one large packet cross a cable as if it were many frames: with it a stream costs what it costs where cards cut and
 * join; without it every frame passes every device by itself. `ethtool -K`'s names.
 */
const SEGMENTATION = [
  'tx-tcp-segmentation',
  'tx-tcp6-segmentation',
  'tx-tcp-mangleid-segmentation',
  'tx-tcp-ecn-segmentation',
  'tx-udp-segmentation',
  'tx-udp_tnl-segmentation',
  'tx-udp_tnl-csum-segmentation',
  'generic-segmentation-offload',
  'generic-receive-offload'
] as const

/** Names of the features that are on and can be turned off. */
async function segmentationOf({ place, device }: WireDevice): Promise<string[]> {
  const { stdout } = await place.run(['ethtool', '-k', device])
  return SEGMENTATION.filter((name) => new RegExp(`^\\s*${name}: on(?! \\[fixed\\])`, 'm').test(stdout))
}

/** `ethtool -K DEVICE NAME on|off …` */
async function setFeatures(
  { place, device }: WireDevice,
  names: readonly string[],
  state: 'on' | 'off'
): Promise<void> {
  if (names.length === 0) return
  await place.run(['ethtool', '-K', device, ...names.flatMap((name) => [name, state])])
}

/** Of one device, for the report: `tcp-segmentation-offload: on`. */
export async function offloadTexts({ place, device }: WireDevice): Promise<string[]> {
  const { stdout } = await place.run(['ethtool', '-k', device])
  return stdout
    .split('\n')
    .map((line) => line.trim().replace(' [fixed]', ''))
    .filter((line) => SHOWN.some((name) => line.startsWith(`${name}:`)))
}

const SHOWN = [
  'tx-checksumming',
  'tcp-segmentation-offload',
  'generic-segmentation-offload',
  'generic-receive-offload',
  'tx-udp_tnl-segmentation'
] as const

/** Does `work` while every frame crosses these cables by itself; afterwards they are as they were, also after a failure. */
export async function withoutSegmentation(
  wires: readonly WireDevice[],
  work: () => Promise<void>
): Promise<void> {
  const before = await allOf(wires.map(async (wire) => ({ wire, names: await segmentationOf(wire) })))
  try {
    await allOf(before.map(({ wire, names }) => setFeatures(wire, names, 'off')))
    await work()
  } finally {
    await allOf(before.map(({ wire, names }) => setFeatures(wire, names, 'on')))
  }
}
