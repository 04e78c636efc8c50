/**
 * Both ends of the daemon's socket: {@link serveAgent} and {@link AgentClient}. What is spoken between them stands
 * in `contracts/src/agent-api.ts`.
 *
 * @packageDocumentation
 */
export { AgentClient } from './agent-client.ts'
export type { AgentHandlers, DetachRequest } from './agent-handlers.ts'
export type { CniAnswer } from './cni-answer.ts'
export { podJson } from './pod-json.ts'
export { type AgentServer, type PeerCheck, serveAgent } from './serve-agent.ts'
export { prepareSocketPath } from './socket-path.ts'
