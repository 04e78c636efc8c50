import { statSync } from 'node:fs'
import { CniError } from '@trilane/cni'

/** Whoever opens them: here the daemon, not the plugin's process, whose namespace would be meant. */
const SELF = /^\/proc\/(?:self|thread-self)(?:\/|$)/

const WORDS = "plugin's netns and netns from CNI_NETNS should not be the same"

/**
 * Refuses a `CNI_NETNS` that is no pod's: relative, or the node's own. What else may be wrong with it shows when it is
 * opened.
 *
 * @throws CniError 4, or 8 as the reference skeleton has it
 */
export function checkPodNamespace(path: string): void {
  if (!path.startsWith('/'))
    throw new CniError(4, `CNI_NETNS is ${JSON.stringify(path)}, not an absolute path`)
  if (SELF.test(path) || isOwn(path)) throw new CniError(8, WORDS, `${path} is the namespace of this node`)
}

function isOwn(path: string): boolean {
  try {
    const own = statSync('/proc/self/ns/net')
    const other = statSync(path)
    return own.dev === other.dev && own.ino === other.ino
  } catch {
    return false
  }
}
