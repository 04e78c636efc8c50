import { lstat, writeFile } from 'node:fs/promises'
import { parseDotenv, parseSubnetEnv } from '@trilane/config'
import { type Route, TrilaneError } from '@trilane/contracts'
import { LinuxKernel } from '@trilane/kernel-linux'
import { writeFileAtomic } from '@trilane/state-files'
import { readTextFile } from '@trilane/terminal'
import { dockerOptions } from '../docker-options.ts'

interface DockerOptsFlags {
  readonly f: string
  readonly d: string
  readonly i?: boolean
  readonly c?: boolean
  readonly m?: boolean
  readonly k: string
}

/**
 * `trilane docker-opts`: writes the options for Docker's service, then fails if the node has a route by a gateway to
 * the subnet that Docker's bridge is to have, as mk-docker-opts.sh does.
 *
 * @throws TrilaneError `TRI_FILE` also when there is no subnet.env, where the script would write a file without options;
 *   `TRI_CONFIG_INVALID`; `TRI_SUBNET_ROUTED`
 */
export async function writeDockerOptions(flags: DockerOptsFlags): Promise<void> {
  if (!/^[A-Za-z_]\w*$/.test(flags.k)) {
    throw TrilaneError.of('TRI_USAGE', { problem: `-k: "${flags.k}" is no name`, command: 'docker-opts' })
  }
  const text = await readTextFile(flags.f)
  const wish = {
    individual: flags.i === true,
    combined: flags.c === true,
    ipMasq: flags.m !== true,
    key: flags.k
  }
  await writeWhole(flags.d, dockerOptions(parseDotenv(text), process.env, wish))

  const subnet = parseSubnetEnv(text).subnets.v4
  if (subnet === undefined) return
  const kernel = await LinuxKernel.open()
  try {
    const { routes } = await kernel.read({ routes: 'main' })
    const found = routes.find((route) => route.destination.equals(subnet) && viaOf(route) !== undefined)
    if (found === undefined) return
    throw TrilaneError.of('TRI_SUBNET_ROUTED', { subnet, route: `${subnet} via ${viaOf(found)}` })
  } finally {
    kernel.close()
  }
}

function viaOf({ gateway, nextHops }: Route): string | undefined {
  const via = gateway ?? nextHops?.find((hop) => hop.gateway !== undefined)?.gateway
  return via === undefined ? undefined : String(via)
}

/** At once, as Docker may read it meanwhile; but what is no plain file (`/dev/stdout`) is written as it is. */
async function writeWhole(path: string, text: string): Promise<void> {
  if (await isPlainOrAbsent(path)) return writeFileAtomic(path, text, { modeOctal: 0o644 })
  try {
    await writeFile(path, text)
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw TrilaneError.of('TRI_FILE', { operation: 'write', path, problem }, { cause })
  }
}

/** A link is neither, wherever it leads: the file behind it is meant, and the link stays. */
async function isPlainOrAbsent(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile()
  } catch {
    return true
  }
}
