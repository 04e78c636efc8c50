import { inkFor } from '@trilane/terminal'
import { compareHtml } from '../../src/compare/render/html.ts'
import { compareText } from '../../src/compare/render/terminal.ts'
import { SAMPLE_REPORT } from './sample/report.ts'

/** A program for tests elsewhere: prints the sample as `html`, or as the text of a terminal of 100 columns. */
const form = process.argv[2]
process.stdout.write(
  form === 'html' ? compareHtml(SAMPLE_REPORT) : `${compareText(SAMPLE_REPORT, inkFor({}))}\n`
)
