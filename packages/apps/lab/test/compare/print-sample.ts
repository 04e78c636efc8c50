import { compareHtml } from '../../src/compare/render/html.ts'
import { SAMPLE_REPORT } from './sample/report.ts'

/** A program for tests that cannot import this package: prints the sample as HTML. */
process.stdout.write(compareHtml(SAMPLE_REPORT))
