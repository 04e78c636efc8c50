import type { Category } from '@trilane/contracts'
import { html, type Markup } from './markup.ts'

/** The mark of a category, around 0, 0: its shape, not its colour, tells. A baseline is a cross. */
export function markerShape(category: Category | undefined): Markup {
  switch (category) {
    case 'underlay':
      return html`<circle r="5.5"/>`
    case 'route':
      return html`<rect x="-5" y="-5" width="10" height="10"/>`
    case 'overlay':
      return html`<path d="M0 -7L7 0L0 7L-7 0Z"/>`
    case undefined:
      return html`<path class="cross" d="M-5 -5L5 5M-5 5L5 -5"/>`
  }
}
