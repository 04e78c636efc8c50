import { runProgram } from '@trilane/terminal'
import { Command } from 'commander'
import { checkConfig } from './commands/config-check.ts'
import { getConfig, setConfig } from './commands/config-store.ts'
import { runDaemon } from './commands/daemon.ts'
import { diagnose } from './commands/doctor.ts'
import { listLeases, releaseLease, reserveLease } from './commands/lease.ts'
import { printPlan } from './commands/plan.ts'
import { uninstall } from './commands/uninstall.ts'

function program(): Command {
  const root = new Command('trilane').exitOverride()
  root
    .command('daemon')
    .description("the node agent; understands flanneld's flags")
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .argument('[flags...]')
    .action(() => runDaemon(process.argv.slice(3)))
  root
    .command('plan')
    .description('what would be written to this kernel, as ip commands; writes nothing')
    .usage('--config FILE [--json] [flags of the daemon]')
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[flags...]')
    .action(() => printPlan(process.argv.slice(3)))
  root
    .command('doctor')
    .description('what this machine and this network can carry, and why not the rest')
    .usage(
      '[--config FILE] [--parent DEVICE] [--ask ADDRESS]... [--source ADDRESS]... [--gently] [--json] [flags of the daemon]'
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[flags...]')
    .action(() => diagnose(process.argv.slice(3)))
  const config = root.command('config').description('network configs')
  config
    .command('check')
    .description('names the wrong field, the value, what is allowed and the nearest good name')
    .argument('<file>')
    .option('--json', 'the checked config as JSON')
    .action(checkConfig)
  withDaemonFlags(config.command('get'), '[--json]', getConfig).description('the network config in the store')
  withDaemonFlags(config.command('set'), 'FILE [--json]', setConfig).description(
    'checks a network config and puts it into the store'
  )
  const lease = root.command('lease').description('leases and reservations in the store')
  withDaemonFlags(lease.command('list'), '[--json]', listLeases).description('who has which subnet')
  withDaemonFlags(
    lease.command('reserve'),
    'SUBNET... [--for-ip ADDRESS] [--for-machine-id ID [--for-name NAME]] [--json]',
    reserveLease
  ).description('keeps a subnet for one node, or out of use')
  withDaemonFlags(lease.command('release'), 'KEY [--json]', releaseLease).description(
    'removes a reservation, or the lease of a node that is gone'
  )
  root
    .command('uninstall')
    .description('removes all that carries our mark: devices, routes, pod links, files, the lease')
    .usage('[--dry-run] [flags of the daemon]')
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[flags...]')
    .action(() => uninstall(process.argv.slice(3)))
  return root
}

/** By the daemon's socket, else by the store that its flags name. */
function withDaemonFlags(
  command: Command,
  words: string,
  run: (args: readonly string[]) => Promise<void>
): Command {
  return command
    .usage(`${words} [flags of the daemon]`)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[words...]')
    .action(() => run(process.argv.slice(4)))
}

await runProgram(() => program().parseAsync())
