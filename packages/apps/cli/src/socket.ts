import { AgentClient } from '@trilane/agent-socket'
import { resolveNodeConfig } from '@trilane/config'

export interface AskOptions {
  /** Instead of the daemon's own setting. */
  readonly socket?: string
  readonly json?: boolean
}

/** This node's daemon, found as the daemon finds its own socket: flag, environment, default. */
export function daemonOf(options: AskOptions): AgentClient {
  const flags = options.socket === undefined ? {} : { 'socket-path': [options.socket] }
  return new AgentClient(resolveNodeConfig({ flags, env: process.env }).socketPath)
}
