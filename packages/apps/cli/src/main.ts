/**
 * `trilane`, for the person at the terminal: asks this node's daemon. `daemon`, `doctor`, `plan`,
 * `config`, `lease`, `uninstall` and `lab` are programs of their own, which the launcher starts.
 *
 * @packageDocumentation
 */
import { NODE_SETTINGS } from '@trilane/config'
import { runProgram } from '@trilane/terminal'
import { Command } from 'commander'
import { installPlugin, uninstallPlugin } from './commands/cni.ts'
import { writeDockerOptions } from './commands/docker-opts.ts'
import { listPods } from './commands/pod-list.ts'
import { showStatus } from './commands/status.ts'
import { VERSION } from './version.ts'

const ELSEWHERE = `
Programs of their own, each with --help:
  daemon                          the node agent; understands flanneld's flags
  plan --config FILE              what would be written to this kernel, as ip commands; writes nothing
  doctor                          what this machine and this network can carry, and why not the rest
  config check FILE               names what is wrong with a network config
  config get|set FILE             the network config in the store
  lease list|reserve|release      leases and reservations in the store
  explain FROM TO                 a packet's way, hop by hop, with the row that decides each step
  uninstall                       removes all that carries our mark, and gives the lease back
  lab run|up|down|exec            nodes as network namespaces, each running the real daemon
  compare                         the categories side by side, measured on this machine`

function program(): Command {
  const socket = NODE_SETTINGS.find(({ name }) => name === 'socketPath')
  const root = new Command('trilane')
    .description('One container network, three ways to carry it: overlay, route, underlay')
    .version(VERSION)
    .exitOverride()
    .addHelpText('after', ELSEWHERE)
  const asking = (command: Command): Command =>
    command
      .option(`--socket <path>`, `${socket?.doc} [${socket?.env[0]}]`)
      .option('--json', 'one JSON value on stdout')
  asking(root.command('status'))
    .description('this node and its peers, wanted against actual; exits 1 when degraded')
    .action(showStatus)
  asking(root.command('pod').description('attached pods').command('list'))
    .description('pods attached on this node')
    .action(listPods)
  root
    .command('docker-opts')
    .description("the Docker daemon's options out of subnet.env, as mk-docker-opts.sh writes them")
    .option('-f <path>', 'subnet.env', '/run/flannel/subnet.env')
    .option('-d <path>', 'file to write', '/run/docker_opts.env')
    .option('-i', 'each option as a variable of its own only')
    .option('-c', 'all options in one variable only')
    .option('-m', 'without --ip-masq')
    .option('-k <name>', 'name of the one variable', 'DOCKER_OPTS')
    .action(writeDockerOptions)
  const cni = root.command('cni').description('the CNI plugin of this node')
  const placing = (command: Command): Command =>
    command
      .option('--bin-dir <path>', 'where runtimes look for plugins', '/opt/cni/bin')
      .option('--conf-dir <path>', 'where runtimes look for configs', '/etc/cni/net.d')
      .option('--conf-name <name>', 'name of the config there', '10-trilane.conflist')
      .option('--json', 'one JSON value on stdout')
  placing(cni.command('install'))
    .description('puts the plugin in place, then its config, so that runtimes notice')
    .option('--conflist <path>', 'a config of your own')
    .action(installPlugin)
  placing(cni.command('uninstall'))
    .description('takes away the config, then the plugin')
    .action(uninstallPlugin)
  return root
}

await runProgram(() => program().parseAsync())
