import { type LeaseJson, TrilaneError } from '@trilane/contracts'
import { storeWords, withStoreApi } from './store-access.ts'

/** `trilane lease list [--json] [flags of the daemon]`. */
export async function listLeases(args: readonly string[]): Promise<void> {
  const { json, config } = storeWords(args)
  const list = await withStoreApi(config, (api) => api.leases())
  if (json) {
    print(JSON.stringify(list, null, 2))
    return
  }
  const rows = list.leases.map((lease) => [
    lease.subnets.join(' '),
    lease.node ?? '-',
    lease.publicAddresses.join(' ') || '-',
    lease.backendType || '-',
    lifeOf(lease, Date.now())
  ])
  for (const line of columns([['SUBNETS', 'NODE', 'AT', 'TYPE', 'LIFE'], ...rows])) print(line)
  for (const { message } of list.rejected) print(message)
}

/** `trilane lease reserve SUBNET… [--for-ip ADDRESS] [--for-machine-id ID] [--for-name NAME]`. */
export async function reserveLease(args: readonly string[]): Promise<void> {
  const { names, own, json, config } = storeWords(args, ['for-ip', 'for-machine-id', 'for-name'])
  if (names.length === 0)
    throw usage('name the subnet that is to be kept, such as 10.5.71.0/24', 'lease reserve')
  const [machineId, node] = [own.get('for-machine-id')?.at(-1), own.get('for-name')?.at(-1)]
  if (node !== undefined && machineId === undefined) {
    throw usage('--for-name goes with --for-machine-id', 'lease reserve')
  }
  const lease = await withStoreApi(config, (api) =>
    api.reserve({
      subnets: names,
      publicAddresses: own.get('for-ip') ?? [],
      ...(machineId === undefined ? {} : { machineId }),
      ...(node === undefined ? {} : { node })
    })
  )
  print(json ? JSON.stringify(lease, null, 2) : `${lease.key}: reserved`)
}

/** `trilane lease release KEY`: `10.5.71.0-24` or `10.5.71.0/24`. */
export async function releaseLease(args: readonly string[]): Promise<void> {
  const { names, json, config } = storeWords(args)
  const [key, ...more] = names
  if (key === undefined || more.length > 0) {
    throw usage('name one lease, as `trilane lease list` shows it', 'lease release')
  }
  const lease = await withStoreApi(config, (api) => api.release(key))
  print(json ? JSON.stringify(lease, null, 2) : `${lease.key}: released`)
}

function lifeOf({ expiresAtMs, backendType }: LeaseJson, nowMs: number): string {
  if (expiresAtMs === undefined) return backendType === '' ? 'reserved' : 'reserved, in use'
  if (expiresAtMs === 'unknown') return 'leased'
  return `ends in ${Math.max(0, Math.round((expiresAtMs - nowMs) / 60_000))} min`
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()
  )
}

function usage(problem: string, command: string): TrilaneError {
  return TrilaneError.of('TRI_USAGE', { problem, command })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
