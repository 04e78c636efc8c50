import { describe, it } from 'vitest'

/**
 * One promise of a contract as a test: it makes what it needs through the fixture and throws when the promise is
 * broken. Its name reads on from its verb's: `remove > of what is not there succeeds`.
 */
export interface SuiteTest<Fixture> {
  readonly name: string
  run(fixture: Fixture): void | Promise<void>
}

/** The promises about one verb of the contract. */
export interface SuiteVerb<Fixture> {
  readonly verb: string
  readonly tests: readonly SuiteTest<Fixture>[]
}

/**
 * Every promise of one contract. It is a value, so that what depends on an implementation's declared traits is
 * left out when the suite is built, and so that a self test can run it without a test runner.
 */
export interface Suite<Fixture> {
  /** The contract's name: `Kernel`. */
  readonly contract: string
  readonly verbs: readonly SuiteVerb<Fixture>[]
}

/** What a test runs on. Each test gets one of its own. */
export interface SuiteFixture {
  /** Called once after the test, also after a failed one. */
  dispose?(): void | Promise<void>
}

/** How one implementation takes part. */
export interface SuiteOptions<Fixture> {
  /** A fresh implementation with nothing in it. */
  create(): Fixture | Promise<Fixture>
  /** Promises that this implementation does not keep. A name that is no test of the suite fails the suite. */
  readonly skip?: readonly SuiteSkip[]
  /** For each test. @default vitest's */
  readonly timeoutMs?: number
}

export interface SuiteSkip {
  /** `<verb> > <test>` */
  readonly test: string
  /** Why, and where it is tested what happens instead. Printed with the skipped test. */
  readonly reason: string
}

/** Registers the suite with vitest as `<contract> <implementation> > <verb> > <test>`. */
export function describeSuite<Fixture extends SuiteFixture>(
  suite: Suite<Fixture>,
  implementation: string,
  options: SuiteOptions<Fixture>
): void {
  const reasons = new Map((options.skip ?? []).map(({ test, reason }) => [test, reason]))
  describe(`${suite.contract} ${implementation}`, () => {
    for (const { verb, tests } of suite.verbs) {
      describe(verb, () => {
        for (const test of tests) {
          it(test.name, {
            ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs })
          }, async (context) => {
            const reason = reasons.get(pathOf(verb, test))
            if (reason !== undefined) context.skip(reason)
            await runTest(test, options.create)
          })
        }
      })
    }
    it('has every name of the skip list', () => {
      const names = new Set(testNames(suite))
      const unknown = [...reasons.keys()].filter((name) => !names.has(name))
      if (unknown.length > 0)
        throw new Error(`the skip list names tests that do not exist: ${unknown.join('; ')}`)
    })
  })
}

/** `<verb> > <test>` of every test, in order. */
export function testNames<Fixture>(suite: Suite<Fixture>): string[] {
  return suite.verbs.flatMap(({ verb, tests }) => tests.map((test) => pathOf(verb, test)))
}

/**
 * Runs the tests without a test runner, one after another: for self tests, which give it a broken
 * implementation and expect the test of the broken promise among the failures.
 *
 * @param only names of the tests to run, as {@link testNames} gives them. Default: all
 * @param timeoutMs after which a test counts as failed
 * @returns the names of the tests that failed, in order
 * @throws Error when `only` has a name that is no test of the suite
 */
export async function failuresOf<Fixture extends SuiteFixture>(
  suite: Suite<Fixture>,
  create: () => Fixture | Promise<Fixture>,
  { only, timeoutMs = 5_000 }: { readonly only?: readonly string[]; readonly timeoutMs?: number } = {}
): Promise<string[]> {
  const names = testNames(suite)
  const unknown = (only ?? []).filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new Error(`${suite.contract} has no test ${unknown.join('; ')}`)
  const failures: string[] = []
  for (const { verb, tests } of suite.verbs) {
    for (const test of tests) {
      const path = pathOf(verb, test)
      if (only !== undefined && !only.includes(path)) continue
      if (await fails(() => runTest(test, create), timeoutMs)) failures.push(path)
    }
  }
  return failures
}

function pathOf(verb: string, test: { readonly name: string }): string {
  return `${verb} > ${test.name}`
}

async function runTest<Fixture extends SuiteFixture>(
  test: SuiteTest<Fixture>,
  create: () => Fixture | Promise<Fixture>
): Promise<void> {
  const fixture = await create()
  try {
    await test.run(fixture)
  } finally {
    await fixture.dispose?.()
  }
}

async function fails(run: () => Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), timeoutMs)
  })
  const outcome = run().then(
    () => false,
    () => true
  )
  try {
    return await Promise.race([outcome, timeout])
  } finally {
    clearTimeout(timer)
  }
}
