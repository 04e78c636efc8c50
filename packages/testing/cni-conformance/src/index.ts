/**
 * Scenarios that any CNI plugin can be held to, and what runs them: real namespaces, a real environment, real stdin;
 * then the exit status, stdout and the kernel are looked at. Nothing here knows whose plugin it is.
 *
 * @packageDocumentation
 */
export { type RunScenariosOptions, runScenarios } from './run-scenarios.ts'
export type { Scenario, Section } from './scenario.ts'
export { SECTIONS } from './scenarios/index.ts'
export { lackingOf, type Outcome } from './session.ts'
export type {
  Agent,
  Capability,
  ChainedLink,
  ChildKeys,
  Ground,
  Link,
  Mode,
  Pool,
  Setup,
  Subject,
  Target
} from './target.ts'
