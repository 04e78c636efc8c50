import { runProgram } from '@trilane/terminal'
import { Command } from 'commander'
import { compare, DEFAULT_MODES } from './commands/compare.ts'
import { labExec } from './commands/exec.ts'
import { explainWay } from './commands/explain.ts'
import { labFunction } from './commands/function.ts'
import { labGuest } from './commands/guest.ts'
import { DEFAULT_NAME, labDown, labRun, labUp } from './commands/up.ts'
import { labWalk } from './commands/walk.ts'

const DEFAULT_CONFIG = new URL('../configs/host-gw.yaml', import.meta.url).pathname

function program(): Command {
  const root = new Command('trilane').exitOverride()
  const lab = root.command('lab').description('nodes as network namespaces, each running the real daemon')
  const building = (command: Command): Command =>
    command
      .option('--config <file>', 'network config', DEFAULT_CONFIG)
      .option('--nodes <count>', 'how many nodes', '3')
      .option('--pods <count>', 'how many containers on each', '2')
      .option('--name <name>', 'name of the lab', DEFAULT_NAME)
      .option('--store <kind>', 'where leases are kept: file, or a real etcd', 'file')
      .option('--json', 'one JSON object on stdout')
  building(lab.command('run'))
    .description('build, check every pair, print, take down')
    .option('--keep', 'leave it up')
    .action(async (options) => exit(await labRun(options)))
  building(lab.command('up'))
    .description('build, check every pair, print, leave up')
    .action(async (options) => exit(await labUp(options)))
  lab
    .command('down')
    .description('take a lab down that was left up')
    .option('--name <name>', 'name of the lab', DEFAULT_NAME)
    .action(async (options) => exit(await labDown(options)))
  lab
    .command('exec')
    .description('run a program inside: trilane lab exec node1/pod1 -- ip address')
    .option('--name <name>', 'name of the lab', DEFAULT_NAME)
    .argument('<where>', 'node1, node1/pod1, outside')
    .argument('[command...]')
    .action(async (where, command, options) => exit(await labExec(where, command, options)))
  lab
    .command('walk')
    .description('what the wire sees of a packet, hop by hop, beside what the tables predict')
    .option('--backends <list>', 'modes, separated by commas', 'macvlan,host-gw,vxlan-direct,vxlan')
    .option('--pcap <directory>', 'the frames as files there, for Wireshark')
    .option('--json', 'one JSON object on stdout')
    .action(async (options) => exit(await labWalk(options)))
  lab
    .command('guest')
    .description(
      'run a program under another kernel, which has every link type: trilane lab guest -- ip link'
    )
    .option('--writable <directory>', 'the program writes there for good; all else that it writes is lost')
    .option('--time-limit <seconds>', 'then the guest is ended', '600')
    .argument('[command...]')
    .action(async (command, options) => exit(await labGuest(command, options)))
  lab
    .command('function', { hidden: true })
    .requiredOption('--backends <modes>', 'as of compare')
    .requiredOption('--topology <names>', 'as of compare, several with commas')
    .action(async (options) => exit(await labFunction(options)))
  root
    .command('compare')
    .description('the categories side by side, measured on this machine')
    .option(
      '--backends <modes>',
      'which, separated by commas; one that is named twice is measured twice',
      DEFAULT_MODES
    )
    .option('--topology <name>', 'what the nodes’ network is like: flat, routed, one-mac-port, anti-spoof')
    .option('--only <parts>', 'some of: figures, matrices, walks')
    .option('--quick', 'shorter, and without what needs a guest kernel')
    .option('--html <file>', 'the report as one HTML file, too')
    .option('--pcap <directory>', 'the captured packets go there, for Wireshark')
    .option('--json', 'one JSON object on stdout')
    .option('--rounds <count>', 'of every measurement: 5 or more [quick: 9, else 15]')
    .option('--window <ms>', 'how long each is [quick: 75, else 400]')
    .option(
      '--handicap <mode=rate>',
      'limits the uplinks of a mode, to see that it is found: host-gw#2=100mbit; repeatable',
      (text: string, before: readonly string[]) => [...before, text],
      []
    )
    .action(async (options) => exit(await compare(options)))
  root
    .command('explain')
    .description(
      "a packet's way, hop by hop, with the table row that decides each step; exits 1 when it is broken"
    )
    .argument('<ends...>', 'FROM TO: node1/pod1, node1, outside, an address; on a node a container id')
    .option('--name <name>', `name of the lab; "${DEFAULT_NAME}" when it is up`)
    .option('--socket <path>', "of this node's daemon, where there is no lab [TRILANE_SOCKET_PATH]")
    .option('--json', 'one JSON object on stdout')
    .action(async (ends, options) => exit(await explainWay(ends, options)))
  return root
}

function exit(status: number): void {
  process.exitCode = status
}

await runProgram(() => program().parseAsync())
