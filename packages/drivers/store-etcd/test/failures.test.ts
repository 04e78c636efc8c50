import { TrilaneError } from '@trilane/contracts'
import { expect, it } from 'vitest'
import { failureOf, isAnswer, storeUnavailable } from '../src/failures.ts'

it.each([
  [
    '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1',
    'connection refused',
    true
  ],
  ['14 UNAVAILABLE: Name resolution failed for target dns:nowhere', 'its name is not known', true],
  ['4 DEADLINE_EXCEEDED: Deadline exceeded after 2.001s', 'does not answer in time', true],
  ['14 UNAVAILABLE: etcdserver: request timed out', 'does not agree in time', true],
  ['2 UNKNOWN: context deadline exceeded', 'does not agree in time', true],
  ['14 UNAVAILABLE: etcdserver: no leader', 'no leader', true],
  ['14 UNAVAILABLE: etcdserver: leader changed', 'no leader', true],
  ['8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded', 'disk quota', false],
  ['3 INVALID_ARGUMENT: etcdserver: request is too large', 'too large', false],
  ['14 UNAVAILABLE: Last error: Error: certificate has expired', 'has expired', false],
  ["Hostname/IP does not match certificate's altnames: IP", 'for another name', false],
  ['7 PERMISSION_DENIED: etcdserver: permission denied', 'may not do that', false],
  ['14 UNAVAILABLE: Connection dropped', 'was cut', true],
  ['something that nobody has seen', 'something that nobody has seen', false]
])('%s', (text, problem, passing) => {
  const failure = failureOf(new Error(text))
  expect(failure.problem).toContain(problem)
  expect(failure.passing).toBe(passing)
  expect(storeUnavailable('etcd x', new Error(text)).details).toContain(text)
})

it('an error of ours stays what it is', () => {
  const error = TrilaneError.of('TRI_LEASE_INVALID', { key: 'k', problem: 'p' })
  expect(storeUnavailable('etcd x', error)).toBe(error)
})

it('what etcd answers is no failure of etcd', () => {
  expect(isAnswer(new Error('etcdserver: requested lease not found'))).toBe(true)
  expect(isAnswer(new Error('11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted'))).toBe(
    true
  )
  expect(isAnswer(new Error('14 UNAVAILABLE: etcdserver: no leader'))).toBe(false)
})
