import { AgentClient } from '@trilane/agent-socket'
import { resolveNodeConfig } from '@trilane/config'
import { TrilaneError } from '@trilane/contracts'
import { inkFor } from '@trilane/terminal'
import { Testbed } from '@trilane/testbed'
import { explanationText } from '../explain/explain-text.ts'
import { explain } from '../explain/explain-ways.ts'
import { labScene } from '../explain/lab-scene.ts'
import { nodeScene, THIS_NODE } from '../explain/node-scene.ts'
import { findEnd, type Scene } from '../explain/scene.ts'
import { DEFAULT_NAME } from './up.ts'

export interface ExplainOptions {
  readonly json?: boolean
  readonly name?: string
  readonly socket?: string
}

/**
 * `explain FROM TO`: the way of a packet as the kernels' tables have it, there and back. Nothing is sent.
 *
 * @param words both ends, or the one that this node sends to
 * @returns 1 when it is broken somewhere
 */
export async function explainWay(words: readonly string[], options: ExplainOptions): Promise<number> {
  const [from, to] = words.length === 1 ? [THIS_NODE, words[0]] : words
  if (from === undefined || to === undefined || words.length > 2) {
    throw TrilaneError.of('TRI_USAGE', { problem: 'one or two ends: FROM TO', command: 'explain' })
  }
  const scene = await sceneOf([from, to], options)
  const explanation = explain(scene, findEnd(scene, from), findEnd(scene, to))
  if (options.json === true) process.stdout.write(`${JSON.stringify(explanation, null, 2)}\n`)
  else process.stdout.write(`${explanationText(explanation, scene, inkFor(process.stdout))}\n`)
  return explanation.works ? 0 : 1
}

/** A laboratory that is up is meant unless the way starts at `node`, which none of its places is called. */
async function sceneOf(ends: readonly [string, string], { name, socket }: ExplainOptions): Promise<Scene> {
  const lab = name ?? DEFAULT_NAME
  const isLab = name !== undefined || (ends[0] !== THIS_NODE && Testbed.persistent().includes(lab))
  if (isLab) return labScene(lab, DEFAULT_NAME)
  // As the daemon finds its own socket: flag, environment, default.
  const flags = socket === undefined ? {} : { 'socket-path': [socket] }
  return nodeScene(new AgentClient(resolveNodeConfig({ flags, env: process.env }).socketPath), ends)
}
