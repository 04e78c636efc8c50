import { type HostPorts, TrilaneError } from '@trilane/contracts'

/**
 * Host ports of a network whose pods are on the nodes' own network. There are none: what a node passed on to such a pod the
 * pod would answer to the client directly, from an address that the client never asked.
 */
export const NO_HOST_PORTS: HostPorts = {
  async publish({ key }, [first]) {
    if (first === undefined) return
    const reason =
      'the pod has an address of its own on the network of the nodes; clients reach its port there'
    throw TrilaneError.of('TRI_HOST_PORT_REFUSED', { port: first.hostPort, ...key, reason })
  },
  restore() {},
  async withdraw() {},
  problems: () => []
}
