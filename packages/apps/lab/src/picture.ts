import type { Ink } from '@trilane/terminal'
import type { Carriage, Check, LabReport, NodeReport, WayReport } from './report.ts'

/** Nodes as boxes on one wire, as many in a row as fit. */
export function topology(report: LabReport, ink: Ink): string {
  const boxes = report.nodes.map(nodeBox)
  const width = Math.max(...boxes.flat().map((line) => line.length))
  const perRow = Math.max(1, Math.floor((ink.columns - 2) / (width + 2)))
  const rows: string[] = []
  for (let at = 0; at < boxes.length; at += perRow) {
    rows.push(...boxRow(boxes.slice(at, at + perRow), width))
  }
  const wire = `${'━'.repeat(Math.min(ink.columns - 2, perRow * (width + 2)))}`
  const outside = `${report.outside.name} ${report.outside.addresses.join(' ')}`
  const router =
    report.router === undefined ? '' : `, ${report.router.name} ${report.router.addresses.join(' ')}`
  return [...rows, wire, `one segment; beside the nodes: ${outside}${router}`].join('\n')
}

function nodeBox(node: NodeReport): string[] {
  const lines = [
    node.name,
    ...node.pods.map((pod) => ` ${pod.name} ${pod.addresses.join(' ')}`),
    ...node.subnets.map((subnet) => ` ${node.podsOn === undefined ? 'cni0' : 'slice'} ${subnet}`),
    ...node.addresses.map((address) => ` eth0 ${address}`)
  ]
  const width = Math.max(...lines.map((line) => line.length)) + 2
  return [
    `┌${'─'.repeat(width)}┐`,
    ...lines.map((line) => `│ ${line.padEnd(width - 2)} │`),
    `└${'─┬'.padEnd(width, '─')}┘`
  ]
}

function boxRow(boxes: readonly string[][], width: number): string[] {
  const height = Math.max(...boxes.map((box) => box.length))
  const lines: string[] = []
  for (let row = 0; row < height; row++) {
    // Boxes stand on the wire: the shorter ones start lower.
    const cells = boxes.map((box) => (box[row - (height - box.length)] ?? '').padEnd(width))
    lines.push(cells.join('  ').trimEnd())
  }
  const foot = boxes.map(() => '  ┃'.padEnd(width)).join('  ')
  return [...lines, foot.trimEnd()]
}

/** Leases and, per node, the routes as Linux shows them. */
export function tables(report: LabReport, ink: Ink): string {
  const leases = report.nodes.map((node) => `  ${node.name.padEnd(8)} ${node.lease}`)
  const routes = report.nodes.flatMap((node) => [
    ink.strong(`routes of ${node.name}`) + ink.dim(`   trilane lab exec ${node.name} -- ip route`),
    ...node.routes.map((route) => `  ${route}`)
  ])
  return [ink.strong('leases'), ...leases, '', ...routes].join('\n')
}

/** More columns than this would not be read. */
const MATRIX_COLUMNS = 24

/** From each row to each column: `✓` every address answers, `✗` one does not, `·` not tried. */
export function reachability(report: LabReport, checks: readonly Check[], ink: Ink): string {
  const { expected, passed, failed } = report.reachability
  const verdict =
    failed.length === 0
      ? ink.good(`all ${expected} answers came`)
      : ink.bad(`${failed.length} of ${expected} answers did not come`)
  const lines = failed.map(
    ({ from, to, address, reason }) => `  ${ink.bad('✗')} ${from} → ${to} (${address}): ${reason}`
  )
  return [
    `${ink.strong('reachability')}  ${verdict} (${passed}/${expected})`,
    ...matrix(checks, ink),
    ...lines
  ].join('\n')
}

function matrix(checks: readonly Check[], ink: Ink): string[] {
  const rows = [...new Set(checks.map(({ from }) => from))]
  const targets = new Set(checks.map(({ to }) => to))
  // Rows first, in their order: the diagonal is who is who.
  const columns = [...new Set([...rows, ...targets])].filter((name) => targets.has(name))
  if (columns.length > MATRIX_COLUMNS) return []
  const cells = new Map<string, boolean>()
  for (const { from, to, failure } of checks) {
    const cell = `${from} ${to}`
    cells.set(cell, (cells.get(cell) ?? true) && failure === undefined)
  }
  const rowWidth = Math.max(...rows.map((row) => row.length), 'from'.length)
  const numbers = columns.map((_, index) => String(index + 1).padStart(3)).join('')
  const body = rows.map((row) => {
    const marks = columns.map((column) => {
      const reached = cells.get(`${row} ${column}`)
      return reached === undefined ? ink.dim('  ·') : reached ? ink.good('  ✓') : ink.bad('  ✗')
    })
    return `  ${row.padEnd(rowWidth)} ${marks.join('')}`
  })
  const legend = columns.map((column, index) => `${index + 1} ${column}`).join(', ')
  return [`  ${'from'.padEnd(rowWidth)} ${numbers}`, ...body, ink.dim(`  to: ${legend}`)]
}

/** From each node to each other: size, lane and what the segment saw. */
export function ways(report: LabReport, ink: Ink): string {
  const wrong = report.ways.filter(({ failures }) => failures.length > 0)
  const verdict =
    wrong.length === 0
      ? ink.good(`all ${report.ways.length} as promised`)
      : ink.bad(`${wrong.length} of ${report.ways.length} otherwise`)
  const rows = report.ways.map(wayCells)
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? []
  const lines = report.ways.flatMap((way, index) => {
    const mark = way.failures.length === 0 ? ink.good('✓') : ink.bad('✗')
    const text = rows[index]?.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')
    const wire = way.wire === undefined ? [] : [ink.dim(`      ${carriage(way.wire)}`)]
    return [
      `  ${mark} ${text}`.trimEnd(),
      ...wire,
      ...way.failures.map((failure) => `      ${ink.bad(failure)}`)
    ]
  })
  return [`${ink.strong('between nodes')}  ${verdict}`, ...lines].join('\n')
}

function wayCells({ from, to, source, destination, mtuBytes, lane, ...sizes }: WayReport): string[] {
  const fits = `${mtuBytes} bytes ${sizes.fits ? 'pass' : 'do not pass'}`
  const tooLong = `${mtuBytes + 1} are ${sizes.oneMoreRefused ? 'refused' : 'not refused'}`
  return [`${from} → ${to}`, `${source} → ${destination}`, lane ?? '', `${fits}, ${tooLong}`]
}

function carriage(wire: Carriage): string {
  if (wire.in === 'plain') {
    const tag = wire.vlanId === undefined ? '' : `VLAN ${wire.vlanId}, `
    return `on the wire: plain, ${tag}from ${wire.mac}, ${wire.bytes} bytes`
  }
  const { vni, port, source, destination, bytes } = wire
  return `on the wire: VXLAN ${vni}, ${source} → ${destination} port ${port}, ${bytes} bytes`
}
