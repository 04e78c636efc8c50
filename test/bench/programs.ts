import { spawn } from 'node:child_process'

/** Runs a program to its end. @throws Error with what it said unless it ends with 0 */
export async function run(
  [program = '', ...args]: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {}
): Promise<void> {
  const { input, env = process.env } = options
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, args, { env })
    let said = ''
    child.stdout.on('data', (data) => {
      said += data
    })
    child.stderr.on('data', (data) => {
      said += data
    })
    child.on('error', reject)
    child.on('close', (status) => {
      if (status === 0) resolve()
      else reject(new Error(`${[program, ...args].join(' ')}: status ${status}: ${said}`))
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** One `ip` process for all commands. */
export function runBatch(commands: readonly string[]): Promise<void> {
  return run(['ip', '-batch', '-'], { input: commands.map((command) => `${command}\n`).join('') })
}

export function makeNamespaces(names: readonly string[]): Promise<void> {
  return runBatch(names.map((name) => `netns add ${name}`))
}
