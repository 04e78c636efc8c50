/**
 * Shows of the panels of a group those that its switches ask for. Without it the switches are hidden and every panel is
 * shown: nothing on the page needs it.
 */
export const SWITCHES = `
for (const group of document.querySelectorAll('[data-switches]')) {
  const form = group.querySelector('form')
  const panels = [...group.querySelectorAll('[data-panel]')]
  const none = group.querySelector('[data-none]')
  const show = () => {
    const wanted = [...new FormData(form)]
    let shown = 0
    for (const panel of panels) {
      panel.hidden = wanted.some(([name, value]) => panel.dataset[name] !== value)
      if (!panel.hidden) shown += 1
    }
    if (none !== null) none.hidden = shown > 0
  }
  form.hidden = false
  form.addEventListener('change', show)
  show()
}
`
