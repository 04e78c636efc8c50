import type { CompareReport, ObjectCounts } from '../report.ts'
import { type Section, scrollBox } from './html-parts.ts'
import { html } from './markup.ts'

/** What grows in a node's kernel with the cluster, and with its own pods. */
export function objectsSection({ modes }: CompareReport): Section | undefined {
  const rows = modes.flatMap(({ id, objects }) =>
    objects === undefined
      ? []
      : html`<tr><th scope="row">${id}</th><td>${objectsText(objects.perPeer)}</td><td>${objectsText(objects.perPod)}</td></tr>`
  )
  if (rows.length === 0) return undefined
  return {
    id: 'objects',
    title: 'In the kernel of a node',
    body: html`<p>Counted before and after one more node joined, and before and after one more pod was added.</p>
${scrollBox(
  'Objects in the kernel',
  html`<table><caption>Objects that are added</caption><thead><tr><th scope="col">mode</th><th scope="col">for a peer</th><th scope="col">for a pod</th></tr></thead><tbody>${rows}</tbody></table>`
)}`
  }
}

/** `1 route, 1 neighbour` */
function objectsText(counts: ObjectCounts): string {
  const { links, addresses, routes, neighbours, fdb } = counts
  const named = [
    [links, 'link', 'links'],
    [addresses, 'address', 'addresses'],
    [routes, 'route', 'routes'],
    [neighbours, 'neighbour', 'neighbours'],
    [fdb, 'fdb entry', 'fdb entries']
  ] as const
  const words = named.flatMap(([count, one, more]) =>
    count === 0 ? [] : [`${count} ${count === 1 ? one : more}`]
  )
  return words.length === 0 ? 'nothing' : words.join(', ')
}
