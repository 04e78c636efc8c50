import type { CompareReport } from '../report.ts'
import { arithmeticSection } from './html-arithmetic.ts'
import { chartsSection } from './html-charts.ts'
import { matrixSection } from './html-matrix.ts'
import { methodSection } from './html-method.ts'
import { objectsSection } from './html-objects.ts'
import type { Section } from './html-parts.ts'
import { SWITCHES } from './html-script.ts'
import { STYLE } from './html-style.ts'
import { summarySection } from './html-summary.ts'
import { walksSection } from './html-walks.ts'
import { html, verbatim } from './markup.ts'
import { listText, machineText, timeText } from './words.ts'

/** Nothing is loaded from anywhere, whatever a report may contain. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

/** One HTML document with everything in it; without its few lines of JavaScript all views are shown. */
export function compareHtml(report: CompareReport): string {
  const sections: readonly (Section | undefined)[] = [
    summarySection(report),
    chartsSection(report),
    matrixSection(report),
    walksSection(report),
    arithmeticSection(report),
    objectsSection(report),
    methodSection(report)
  ]
  const shown = sections.filter((section) => section !== undefined)
  const modes = listText(report.modes.filter(({ baseline }) => !baseline).map(({ id }) => id))
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Container networks side by side – Trilane</title>
<style>${verbatim(STYLE)}</style>
</head>
<body>
<header class="top">
<p class="eyebrow">trilane compare</p>
<h1>Container networks, side by side</h1>
<p class="lede">${modes}: what each costs, who reaches whom, and what is on the wire. Measured ${timeText(report.startedAt)} on one machine: ${machineText(report.conditions)}.</p>
<nav aria-label="Parts of the report"><ul>${shown.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${shown.map(
  ({ id, title, body }) => html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${body}
</section>
`
)}</main>
<footer><p>Made by trilane ${report.conditions.trilane} in ${(report.elapsedMs / 1000).toFixed(0)} s. Everything in this file is in this file: it can be mailed and kept.</p></footer>
<script>${verbatim(SWITCHES)}</script>
</body>
</html>
`.text
}
