import { html, type Insertable, type Markup } from './markup.ts'

/** A part of the page. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly body: Markup
}

/** A table in a box of its own, which scrolls where the screen is narrow, with the keyboard, too. */
export function scrollBox(label: string, table: Markup): Markup {
  return html`<div class="box" role="region" aria-label="${label}" tabindex="0">${table}</div>`
}

/** One choice of a group of panels: radio buttons, the first of which is on. */
export interface Choice {
  /** As in the panels' `data-…`. */
  readonly name: string
  readonly title: string
  readonly values: readonly { readonly value: string; readonly title: string }[]
}

/** Panels of which the choices show one, or all where there is no JavaScript. */
export function switchedPanels(id: string, choices: readonly Choice[], panels: Insertable): Markup {
  const fields = choices
    .filter(({ values }) => values.length > 0)
    .map(
      ({ name, title, values }) =>
        html`<fieldset><legend>${title}</legend>${values.map(
          (one, index) =>
            html`<label><input type="radio" name="${name}" value="${one.value}" ${index === 0 ? html`checked` : ''}><span>${one.title}</span></label>`
        )}</fieldset>`
    )
  return html`<div class="switched" id="${id}" data-switches>
<form class="switches" hidden autocomplete="off">${fields}</form>
<p class="none" data-none hidden>This was not tried.</p>
${panels}
</div>`
}
