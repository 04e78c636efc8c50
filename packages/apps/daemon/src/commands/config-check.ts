import { readTextFile } from '@trilane/terminal'
import { checkConfigText } from '../store-commands.ts'

/** `trilane config check FILE`. */
export async function checkConfig(file: string, options: { readonly json?: boolean }): Promise<void> {
  const { config, warnings, backend, lanes } = checkConfigText(await readTextFile(file), file)
  for (const warning of warnings) process.stderr.write(`warning: ${warning.place}: ${warning.text}\n`)
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ config, warnings }, null, 2)}\n`)
    return
  }
  const families = Object.values(config.families).map(
    ({ network, subnetLength, subnetMin, subnetMax }) =>
      `  ${network}: a /${subnetLength} for each node, from ${subnetMin} to ${subnetMax}`
  )
  const names = lanes.configured.map((lane) => lane.backend.type)
  const order = lanes.configured.length === 1 ? '' : `, lanes ${names.join(', ')}`
  process.stdout.write(
    [`${file}: good; backend ${backend.type} (${backend.category})${order}`, ...families, ''].join('\n')
  )
}
