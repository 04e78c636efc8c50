import { basename, dirname } from 'node:path'
import type { AgentClient } from '@trilane/agent-socket'
import { type PodJson, TrilaneError } from '@trilane/contracts'
import { runProgram } from '@trilane/testbed'
import { readPlaces } from '../tables/read-places.ts'
import type { Readable } from '../tables/read-raw.ts'
import type { Scene } from './scene.ts'

/** The place that is this machine. */
export const THIS_NODE = 'node'

/**
 * This node, and of its pods those that are asked about: each container's id is an alias of its pod.
 *
 * @param words what stands for the ends of the way
 * @throws TrilaneError `TRI_DAEMON_UNREACHABLE` when a word may be a pod's and nobody can tell
 */
export async function nodeScene(daemon: AgentClient, words: readonly string[]): Promise<Scene> {
  const pods = await podsOf(daemon, words)
  const own = await runProgram(['ip', 'netns', 'identify', `${process.pid}`])
  const namespace = own.stdout.trim()
  const node: Readable = {
    name: THIS_NODE,
    kind: 'node',
    ...(namespace === '' ? {} : { namespace }),
    run: (argv) => runProgram(argv)
  }
  const shells = new Map(pods.map((pod) => [pod.containerId, `nsenter --net=${pod.namespace} `]))
  return {
    places: await readPlaces([node, ...pods.map(readableOf)]),
    aliases: new Map(),
    shellOf: (place) => shells.get(place) ?? ''
  }
}

/** A way to an address elsewhere needs no daemon. */
async function podsOf(daemon: AgentClient, words: readonly string[]): Promise<PodJson[]> {
  const isMeant = ({ containerId, addresses }: PodJson): boolean =>
    words.some((word) => word === containerId || addresses.some(({ address }) => address === word))
  try {
    return (await daemon.pods()).filter((pod) => pod.phase === 'plugged' && isMeant(pod))
  } catch (error) {
    const [from] = words
    if (TrilaneError.is(error, 'TRI_DAEMON_UNREACHABLE') && from === THIS_NODE) return []
    throw error
  }
}

function readableOf({ containerId, namespace }: PodJson): Readable {
  const isNamed = /^(?:\/var)?\/run\/netns$/.test(dirname(namespace))
  return {
    name: containerId,
    kind: 'pod',
    ...(isNamed ? { namespace: basename(namespace) } : {}),
    run: (argv) => runProgram(['nsenter', `--net=${namespace}`, '--', ...argv])
  }
}
