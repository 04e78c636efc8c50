import type { AgentHandlers } from '@trilane/agent-socket'
import type { Agent } from './agent.ts'
import type { CniService } from './cni/cni-service.ts'
import type { Metrics } from './metrics.ts'
import type { StoreApi } from './store-commands.ts'

/**
 * The agent's methods under the socket's names; what pods wait for is measured.
 *
 * @param storeOf throws `TRI_NETWORK_UNKNOWN`
 */
export function socketHandlers(
  agent: Agent,
  cni: CniService,
  metrics: Metrics,
  storeOf: (network: string | undefined) => StoreApi
): AgentHandlers {
  return {
    status: () => agent.status(),
    pods: () => agent.pods(),
    attach: (request) => metrics.pod('attach', () => agent.attach(request)),
    detach: (request) => metrics.pod('detach', () => agent.detach(request)),
    reconcile: () => agent.reconcile(),
    cni: (invocation) => cni.answer(invocation),
    leases: async (network) => storeOf(network).leases(),
    reserve: async (wanted, network) => storeOf(network).reserve(wanted),
    release: async (key, network) => storeOf(network).release(key),
    config: async (network) => storeOf(network).config(),
    setConfig: async (text, network) => storeOf(network).setConfig(text)
  }
}
