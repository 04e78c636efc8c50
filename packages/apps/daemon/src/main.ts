import { runProgram } from '@trilane/terminal'
import { Command } from 'commander'
import { checkConfig } from './commands/config-check.ts'
import { runDaemon } from './commands/daemon.ts'
import { printPlan } from './commands/plan.ts'

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
    .command('config')
    .description('network configs')
    .command('check')
    .description('names the wrong field, the value, what is allowed and the nearest good name')
    .argument('<file>')
    .option('--json', 'the checked config as JSON')
    .action(checkConfig)
  return root
}

await runProgram(() => program().parseAsync())
