/** Colours are named once for each scheme; texts have 4.5 to 1 and more against what they stand on, in both. */
const COLOURS = `
:root {
  color-scheme: light dark;
  --page: #fcfcfa; --panel: #f4f3ef; --text: #1c2025; --soft: #545b63; --line: #dcdad3; --strong-line: #8c8a83;
  --link: #1b5791; --good: #1d6638; --bad: #9c2318; --bad-panel: #fbe9e6; --mark-panel: #fdf3d3;
  --underlay: #1f7a4d; --route: #2563a8; --overlay: #8b4a9e; --baseline: #6a7178;
  --inner: #c9d3dc; --payload: #e6e8ea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --panel: #1c2024; --text: #e4e7ea; --soft: #a6aeb6; --line: #32383e; --strong-line: #77808a;
    --link: #8fbdf0; --good: #85cf9f; --bad: #ff9d90; --bad-panel: #3a201d; --mark-panel: #37301a;
    --underlay: #5fc48f; --route: #77aef0; --overlay: #cf95e2; --baseline: #9aa3ab;
    --inner: #46525e; --payload: #2a3036;
  }
}
`

const PAGE = `
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif }
header.top, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.5rem }
header.top { padding-top: 3rem }
.eyebrow { margin: 0; color: var(--soft); font: 0.85rem/1.4 ui-monospace, 'Cascadia Mono', Menlo, Consolas, monospace }
h1 { margin: 0.2rem 0 0.8rem; font-size: clamp(1.7rem, 5vw, 2.5rem); line-height: 1.15; letter-spacing: -0.02em; font-weight: 650 }
.lede { max-width: 46rem; margin: 0 0 1.5rem; color: var(--soft) }
nav ul { display: flex; flex-wrap: wrap; gap: 0.3rem 1.4rem; margin: 0; padding: 0.7rem 0; list-style: none; border-block: 1px solid var(--line) }
section { padding-top: 2.6rem }
h2 { margin: 0 0 0.7rem; font-size: 1.45rem; line-height: 1.25; letter-spacing: -0.01em }
h3 { margin: 1.6rem 0 0.3rem; font-size: 1.05rem; line-height: 1.35 }
h4 { margin: 0; font-size: 0.95rem }
h5 { margin: 0.9rem 0 0.2rem; font-size: 0.85rem }
p { margin: 0 0 0.8rem; max-width: 48rem }
a { color: var(--link); text-underline-offset: 0.15em }
code { font: 0.88em/1.45 ui-monospace, 'Cascadia Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere }
small { display: block; color: var(--soft); font-size: 0.8rem; font-weight: 400; line-height: 1.35 }
.note { color: var(--soft); font-size: 0.88rem }
.equal { color: var(--good) } .unequal { color: var(--bad) }
footer { padding-block: 2.5rem 3rem; color: var(--soft); font-size: 0.88rem }
#matrices h3::first-letter, .sentence::first-letter, .category dd::first-letter { text-transform: uppercase }
.sentence code { white-space: nowrap }
details { margin: 0.6rem 0 0; font-size: 0.9rem }
summary { color: var(--link); cursor: pointer }
details ul { margin: 0.5rem 0; padding-left: 1.2rem }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
[hidden] { display: none !important }
`

const TABLES = `
.box { overflow-x: auto; margin: 0 0 0.8rem; border: 1px solid var(--line); border-radius: 6px }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; line-height: 1.4 }
caption { padding: 0.5rem 0.8rem 0.3rem; text-align: left; color: var(--soft); font-size: 0.82rem }
th, td { padding: 0.45rem 0.8rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line) }
thead th { font-weight: 600; line-height: 1.25; vertical-align: top; border-top: 0; border-bottom: 1px solid var(--strong-line) }
tbody th { font-weight: 600; white-space: nowrap }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.sticky tbody th, .sticky thead th:first-child { position: sticky; left: 0; background: var(--page); z-index: 1 }
.summary th small { max-width: 9.5rem; white-space: normal } .summary thead small { max-width: none }
.summary .why { color: var(--soft) }
.summary .baseline, .summary .baseline th { color: var(--soft) }
.rounds { min-width: 22rem; color: var(--soft); font-variant-numeric: tabular-nums }
.answers { padding-left: 1.1rem; max-width: 48rem } .answers li { margin-bottom: 0.3rem }
.categories { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0.8rem; margin: 1.2rem 0 }
.category { padding: 0.8rem 1rem; background: var(--panel); border-radius: 6px }
.category dt { display: flex; align-items: center; gap: 0.5rem; font-weight: 650 }
.category dd { margin: 0.2rem 0 0; font-size: 0.92rem } .members { display: block; color: var(--soft) }
.answer { white-space: nowrap } .answer b { font-weight: 400 }
.answer.no { background: var(--bad-panel); color: var(--bad) } .answer.no b { font-weight: 700 }
.answer.not-applicable, .untried { color: var(--soft) }
.ref { font-size: 0.85em }
.reasons div { display: grid; grid-template-columns: 2.6rem 1fr; padding: 0.2rem 0.3rem; border-radius: 4px }
.reasons div:target { background: var(--mark-panel) }
.reasons { margin: 0.4rem 0; font-size: 0.9rem } .reasons dt { color: var(--soft) } .reasons dd { margin: 0; overflow-wrap: anywhere }
.from { color: var(--soft); font-size: 0.9em } .reasons .from::before { content: '— ' }
.lanes dt { font-weight: 600 } .lanes dd { margin: 0 0 0.5rem; overflow-wrap: anywhere } .lanes p { margin: 0 }
.conditions { display: grid; grid-template-columns: minmax(7rem, auto) 1fr; gap: 0.25rem 1.2rem; margin: 0; font-size: 0.92rem }
.conditions dt { color: var(--soft) } .conditions dd { margin: 0; overflow-wrap: anywhere } .conditions ul { margin: 0; padding: 0; list-style: none }
.reading { max-width: 48rem; padding-left: 1.1rem } .reading li { margin-bottom: 0.5rem }
`

const CHARTS = `
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.2rem }
.chart { min-width: 0; margin: 0; padding: 1rem 1.1rem; border: 1px solid var(--line); border-radius: 6px }
.chart h3 { margin: 0 } .chart figcaption p { margin: 0 0 0.7rem; color: var(--soft); font-size: 0.88rem }
.chart .verdict { margin: 0.5rem 0 0; font-size: 0.92rem } .unranked { padding: 0.4rem 0.6rem; background: var(--mark-panel); border-left: 3px solid var(--strong-line) }
.plot { display: block; overflow: visible; font-size: 13px }
.plot text { fill: var(--text); paint-order: stroke; stroke: var(--page); stroke-width: 4px; stroke-linejoin: round } .plot .name { font-weight: 600 } .plot .value { text-anchor: end; font-variant-numeric: tabular-nums }
.plot .range, .plot .tick { fill: var(--soft) } .plot .tick { text-anchor: middle; font-size: 12px }
.grid { stroke: var(--line) } .bracket { fill: none; stroke: var(--text); stroke-width: 1.5 }
.plot g, .key { --series: var(--baseline) } .underlay { --series: var(--underlay) !important } .route { --series: var(--route) !important } .overlay { --series: var(--overlay) !important }
.bar { stroke: var(--series); stroke-width: 9; opacity: 0.16 } .interval { stroke: var(--series); stroke-width: 4; opacity: 0.55; stroke-linecap: round }
.round { fill: var(--series); opacity: 0.6 } .marker, .key { fill: var(--series) } .marker { stroke: var(--page); stroke-width: 1 }
.marker .cross { stroke: var(--series); stroke-width: 2.5 }
.limit { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 3 2 }
`

const WALKS = `
.switches { display: flex; flex-wrap: wrap; gap: 0.6rem 1.6rem; margin: 0 0 0.4rem }
fieldset { min-width: 0; margin: 0; padding: 0; border: 0 } legend { padding: 0; color: var(--soft); font-size: 0.82rem }
.switches label { display: inline-block; margin: 0.15rem 0.3rem 0.15rem 0; cursor: pointer }
.switches input { position: absolute; opacity: 0 }
.switches span { display: block; padding: 0.25rem 0.7rem; border: 1px solid var(--strong-line); border-radius: 99px; font-size: 0.9rem }
.switches input:checked + span { background: var(--text); color: var(--page); border-color: var(--text) } .switches input:focus-visible + span { outline: 2px solid var(--link); outline-offset: 2px }
.ends { overflow-wrap: anywhere } .ends span { color: var(--soft) }
.frames { margin: 0 0 0.3rem; padding: 0; list-style: none; font-size: 0.85rem }
.frames a { color: inherit; text-decoration: none } .frames a:hover { text-decoration: underline }
.frames li { display: grid; grid-template-columns: 13rem 1fr 5.5rem; gap: 0.8rem; align-items: center; padding: 0.1rem 0 }
.strip { display: flex; height: 0.8rem } .strip i { flex: none; border-right: 1px solid var(--page); background: var(--inner) } .strip .payload { background: var(--payload) }
.strip .outer { background: repeating-linear-gradient(135deg, var(--overlay) 0 3px, var(--page) 3px 5px) }
.size { text-align: right; font-variant-numeric: tabular-nums; color: var(--soft) }
.hops { display: flex; align-items: stretch; margin: 0; padding: 0; list-style: none }
.hop { flex: none; width: min(25.5rem, 84vw); scroll-margin-top: 1rem; padding: 0.8rem 0.9rem; border-right: 1px solid var(--line) } .hop:target { box-shadow: inset 0 3px 0 var(--link) } .hop.differs { box-shadow: inset 4px 0 0 var(--bad) }
.hop .facts { margin: 0 0 0.2rem; color: var(--soft); font-size: 0.85rem } .frame { margin-top: 0.4rem; font-size: 0.8rem; table-layout: fixed }
.frame th, .frame td { padding: 0.12rem 0.3rem; border: 0; overflow-wrap: anywhere } .frame caption { padding: 0.2rem 0.3rem }
.frame td { font-family: ui-monospace, 'Cascadia Mono', Menlo, Consolas, monospace; font-size: 0.75rem } .frame th:first-child { width: 27% }
.frame tbody th { font-weight: 400; white-space: normal; color: var(--soft) }
.layer th[scope=rowgroup] { padding: 0.25rem 0.4rem; background: var(--panel); color: var(--text); font-weight: 650; border-top: 2px solid var(--page) }
.layer.new th[scope=rowgroup] { border-left: 3px double var(--text) } .layer th span { font-weight: 400; color: var(--soft) }
.frame .changed > * { background: var(--mark-panel); color: var(--text) } .hop em { font-weight: 700; font-style: normal; text-decoration: underline }
.frame .differs > * { color: var(--bad); font-weight: 700 }
.decides dl { margin: 0; font-size: 0.8rem } .decides dt { color: var(--soft) } .decides dd { margin: 0 0 0.4rem } .decides code { display: block } .command { color: var(--soft) } .command::before { content: '$ ' }
@media (max-width: 40rem) {
  header.top, main, footer { padding-inline: 1rem } header.top { padding-top: 1.6rem } .chart { padding: 0.8rem }
  .frames li { grid-template-columns: 1fr 5rem; gap: 0 0.5rem; padding: 0.2rem 0 } .strip { grid-column: 1 / -1; grid-row: 2 }
  .hop { width: 88vw } .frame th:first-child { width: 32% } .conditions { grid-template-columns: 1fr; gap: 0 } .conditions dd { margin-bottom: 0.5rem } .sticky tbody th { white-space: normal; min-width: 6.5rem }
}
`

export const STYLE = `${COLOURS}${PAGE}${TABLES}${CHARTS}${WALKS}`
