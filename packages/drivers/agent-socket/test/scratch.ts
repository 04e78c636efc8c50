import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AttachmentRecord,
  type ConfigJson,
  type LeaseJson,
  type NodeStatus,
  SILENT_LOGGER
} from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { afterEach } from 'vitest'
import {
  AgentClient,
  type AgentHandlers,
  type AgentServer,
  type PeerCheck,
  serveAgent
} from '../src/index.ts'

export const STATUS: NodeStatus = {
  version: '0.1.0',
  pid: process.pid,
  name: 'blue',
  machineId: '0123456789abcdef0123456789abcdef',
  startedAtMs: 1,
  networks: []
}

export const RECORD: AttachmentRecord = {
  network: 'default',
  key: { containerId: 'c0ffee', ifname: 'eth0' },
  namespace: '/run/netns/pod',
  phase: 'plugged',
  addresses: { v4: IpAddress.parse('10.5.71.9') },
  link: {
    hostDevice: 'veth0123456789a',
    hostMac: Mac.parse('0e:00:00:00:00:01'),
    podMac: Mac.parse('0e:00:00:00:00:02'),
    mtuBytes: 1450,
    addresses: {
      v4: { address: IpAddress.parse('10.5.71.9'), prefixLength: 24, gateway: IpAddress.parse('10.5.71.1') }
    }
  }
}

export const LEASE: LeaseJson = {
  key: '10.5.71.0-24',
  subnets: ['10.5.71.0/24'],
  publicAddresses: ['192.168.77.7'],
  backendType: ''
}

export const CONFIG: ConfigJson = { text: 'Network: 10.5.0.0/16\n', revision: 7 }

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A path for a socket in a directory of its own, which is gone after the test. */
export async function socketPathForTest(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `trilane-socket-${process.pid}-`))
  cleanups.push(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'api.sock')
}

/** Serves for one test. What the handlers of a test do not say is answered with the constants above. */
export async function serveForTest(
  more: Partial<AgentHandlers> = {},
  path?: string,
  peerOf?: PeerCheck
): Promise<{ readonly socketPath: string; readonly client: AgentClient; readonly server: AgentServer }> {
  const socketPath = path ?? (await socketPathForTest())
  const handlers: AgentHandlers = {
    status: async () => STATUS,
    pods: async () => [RECORD],
    attach: async () => RECORD,
    detach: async () => {},
    reconcile: async () => ({ writes: 3, failures: [] }),
    leases: async () => ({ leases: [LEASE], rejected: [] }),
    reserve: async () => LEASE,
    release: async () => LEASE,
    config: async () => CONFIG,
    setConfig: async () => CONFIG,
    cni: async () => ({ isSuccess: true, text: '' }),
    ...more
  }
  const peerCheck = peerOf === undefined ? {} : { peerOf }
  const server = await serveAgent({ socketPath, handlers, logger: SILENT_LOGGER, ...peerCheck })
  cleanups.push(() => server.close())
  return { socketPath, client: new AgentClient(socketPath, { timeoutMs: 5_000 }), server }
}

/** Something that listens there and is no agent. */
export async function listenForTest(
  path: string,
  onText: (reply: (text: string) => void) => void
): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => onText((text) => socket.end(text)))
    cleanups.push(() => socket.destroy())
  })
  cleanups.push(() => server.close())
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

/** Sends bytes as they are and returns all that comes back until the other side ends. */
export function sendRaw(
  path: string,
  text: string,
  options: { readonly halfClose?: boolean } = {}
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true })
    let answer = ''
    cleanups.push(() => socket.destroy())
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.once('end', () => resolve(answer))
    socket.once('error', reject)
    if (options.halfClose === true) socket.end(text)
    else socket.write(text)
  })
}
