import type { AgentHandlers } from '@trilane/agent-socket'
import type { Agent } from './agent.ts'

/** The agent's methods under the socket's names. */
export function socketHandlers(agent: Agent): AgentHandlers {
  return {
    status: () => agent.status(),
    pods: () => agent.pods(),
    attach: (request) => agent.attach(request),
    detach: (request) => agent.detach(request),
    reconcile: () => agent.reconcile()
  }
}
