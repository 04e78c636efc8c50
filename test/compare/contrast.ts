/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** A text that is too faint against what it stands on. */
export interface FaintText {
  readonly text: string
  readonly contrast: number
  readonly colours: string
}

/**
 * Runs inside the page: all visible texts whose contrast, as WCAG 2 computes it, is below `least`. Backgrounds are those of
 * the nearest ancestors, one over the other; texts of SVG have their fill.
 */
export function faintTexts(least: number): FaintText[] {
  type Colour = readonly [number, number, number, number]
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  if (context === null) throw new Error('no canvas')
  const parsed = new Map<string, Colour>()
  const colour = (text: string): Colour => {
    const known = parsed.get(text)
    if (known !== undefined) return known
    context.clearRect(0, 0, 1, 1)
    context.fillStyle = text
    context.fillRect(0, 0, 1, 1)
    const [red = 0, green = 0, blue = 0, alpha = 0] = context.getImageData(0, 0, 1, 1).data
    const read: Colour = [red, green, blue, alpha / 255]
    parsed.set(text, read)
    return read
  }
  const over = ([r, g, b, a]: Colour, [br, bg, bb]: Colour): Colour => [
    r * a + br * (1 - a),
    g * a + bg * (1 - a),
    b * a + bb * (1 - a),
    1
  ]
  const light = ([r, g, b]: Colour): number => {
    const part = (value: number) => (value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
  }
  const behind = (element: Element | null): Colour => {
    if (element === null) return [255, 255, 255, 1]
    const own = colour(getComputedStyle(element).backgroundColor)
    return own[3] === 1 ? own : over(own, behind(element.parentElement))
  }
  const faint: FaintText[] = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const element = node.parentElement
    const text = node.textContent?.trim() ?? ''
    if (element === null || text === '' || !element.checkVisibility()) continue
    if (['SCRIPT', 'STYLE'].includes(element.tagName)) continue
    const style = getComputedStyle(element)
    const back = behind(element)
    const front = over(colour(element instanceof SVGElement ? style.fill : style.color), back)
    const [dark = 0, bright = 0] = [light(front), light(back)].sort((a, b) => a - b)
    const contrast = (bright + 0.05) / (dark + 0.05)
    if (contrast < least) faint.push({ text: text.slice(0, 40), contrast, colours: `${front} on ${back}` })
  }
  return faint
}
