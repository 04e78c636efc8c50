import type { AgentHandlers } from '@trilane/agent-socket'
import type { Agent } from './agent.ts'
import type { CniService } from './cni/cni-service.ts'
import type { Metrics } from './metrics.ts'
import type { StoreApi } from './store-commands.ts'

/** The agent's methods under the socket's names; what pods wait for is measured. */
export function socketHandlers(
  agent: Agent,
  cni: CniService,
  metrics: Metrics,
  store: StoreApi
): AgentHandlers {
  return {
    status: () => agent.status(),
    pods: () => agent.pods(),
    attach: (request) => metrics.pod('attach', () => agent.attach(request)),
    detach: (request) => metrics.pod('detach', () => agent.detach(request)),
    reconcile: () => agent.reconcile(),
    cni: (invocation) => cni.answer(invocation),
    leases: () => store.leases(),
    reserve: (wanted) => store.reserve(wanted),
    release: (key) => store.release(key),
    config: () => store.config(),
    setConfig: (text) => store.setConfig(text)
  }
}
