/**
 * What every program does with the person at the terminal: exit statuses and error texts ({@link runProgram}),
 * colour where it is wanted ({@link inkFor}), the files that they name ({@link readTextFile}).
 *
 * @packageDocumentation
 */
export { type Ink, inkFor } from './ink.ts'
export { readTextFile } from './read-text-file.ts'
export { runProgram } from './run-program.ts'
