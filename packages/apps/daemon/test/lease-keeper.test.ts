import {
  type LeaseClaim,
  SILENT_LOGGER,
  type StoredLease,
  type SubnetManager,
  TrilaneError
} from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { Health } from '../src/health.ts'
import { LeaseKeeper } from '../src/lease-keeper.ts'
import { Patience } from '../src/patience.ts'
import { HandClock } from './hand-clock.ts'

const publicAddresses = { v4: IpAddress.parse('192.0.2.1') }
const claim: LeaseClaim = { publicAddresses, backendType: 'host-gw', backendData: {} }

function stored(subnet: string): StoredLease {
  const subnets = { v4: Prefix.parse(subnet) }
  return { key: subnet.replace('/', '-'), lease: { ...claim, subnets }, revision: 1, expiresAtMs: 1 }
}

const unavailable = (): TrilaneError =>
  TrilaneError.of('TRI_STORE_UNAVAILABLE', { store: 'memory', problem: 'down' })
const lost = (): TrilaneError => TrilaneError.of('TRI_LEASE_LOST', { subnet: 'x', reason: 'it was removed' })

function setUp() {
  const clock = new HandClock()
  const health = new Health(clock)
  const stop = new AbortController()
  const acquired: LeaseClaim[] = []
  const prepared: unknown[] = []
  const answers = {
    acquire: (): StoredLease => stored('10.5.1.0/24'),
    renew: (): StoredLease => stored('10.5.1.0/24'),
    recall: (): StoredLease | undefined => undefined,
    renewDelayMs: 0,
    outage: undefined as TrilaneError | undefined
  }
  const manager: Pick<
    SubnetManager,
    'former' | 'acquire' | 'renew' | 'recall' | 'renewDelayMs' | 'outage'
  > & {
    own: StoredLease | undefined
  } = {
    own: undefined,
    former: async () => undefined,
    acquire: async (wanted) => {
      acquired.push(wanted)
      manager.own = answers.acquire()
      return manager.own
    },
    renew: async () => {
      try {
        if (manager.own === undefined) throw lost()
        manager.own = answers.renew()
        return manager.own
      } catch (error) {
        if (TrilaneError.is(error, 'TRI_LEASE_LOST')) manager.own = undefined
        throw error
      }
    },
    recall: async () => answers.recall(),
    renewDelayMs: () => answers.renewDelayMs,
    outage: () => answers.outage
  }
  let told = 0
  const keeper = new LeaseKeeper({
    subnets: manager as SubnetManager,
    health,
    clock,
    logger: SILENT_LOGGER,
    patience: new Patience({ health, clock, logger: SILENT_LOGGER, signal: stop.signal }),
    signal: stop.signal,
    previousSubnets: { v4: Prefix.parse('10.5.9.0/24') },
    publicAddresses: () => publicAddresses,
    prepare: async (former) => {
      prepared.push(former?.subnets.v4?.toString())
      return claim
    },
    claim: () => claim,
    onAcquired: async () => {
      told++
    }
  })
  const codes = () => health.items().map(({ code }) => code)
  return { clock, health, stop, acquired, prepared, answers, keeper, codes, told: () => told }
}

describe('LeaseKeeper', () => {
  it('asks at first for the subnets of subnet.env, later for those that it had', async () => {
    const { keeper, acquired, prepared } = setUp()
    await keeper.acquire()
    await keeper.recover('it was removed')
    expect(acquired.map(({ previousSubnets }) => String(previousSubnets?.v4))).toEqual([
      '10.5.9.0/24',
      '10.5.1.0/24'
    ])
    expect(prepared).toEqual([undefined, '10.5.1.0/24'])
  })

  it('says that a lease is lost until there is one again', async () => {
    const { keeper, answers, codes, clock, told } = setUp()
    await keeper.acquire()
    answers.acquire = () => {
      throw unavailable()
    }
    const recovering = keeper.recover('it was removed from the store')
    await clock.pass(0)
    expect(codes()).toEqual(['TRI_LEASE_LOST', 'TRI_STORE_UNAVAILABLE'])
    expect(keeper.recover('again')).toBe(recovering)
    answers.acquire = () => stored('10.5.2.0/24')
    await clock.pass(200)
    await recovering
    expect(codes()).toEqual([])
    expect(keeper.stored?.key).toBe('10.5.2.0-24')
    expect(told()).toBe(2)
  })

  it('uses a remembered lease at the start only', async () => {
    const { keeper, answers, clock, stop } = setUp()
    answers.acquire = () => {
      throw unavailable()
    }
    answers.recall = () => stored('10.5.7.0/24')
    await keeper.acquire()
    expect(keeper.stored?.key).toBe('10.5.7.0-24')
    // A lease that was lost is not brought back by what was remembered.
    const recovering = keeper.recover('it was removed')
    await clock.pass(200)
    expect(keeper.stored?.key).toBe('10.5.7.0-24')
    stop.abort()
    await clock.pass(5_000)
    await recovering
  })

  it('does not fight without pause with somebody who goes on taking the lease', async () => {
    const { keeper, clock, acquired } = setUp()
    await keeper.acquire()
    await keeper.recover('it was changed')
    expect(acquired).toHaveLength(2)
    const second = keeper.recover('it was changed')
    await clock.pass(0)
    expect(acquired).toHaveLength(2)
    await clock.pass(500)
    await second
    const third = keeper.recover('it was changed')
    await clock.pass(500)
    expect(acquired).toHaveLength(3)
    await clock.pass(500)
    await third
    expect(acquired).toHaveLength(4)
    await clock.pass(61_000)
    await keeper.recover('it was changed')
    expect(acquired).toHaveLength(5)
  })

  it('renews, and gets a lease again when the renewal finds it lost', async () => {
    const { keeper, answers, codes, acquired } = setUp()
    await keeper.acquire()
    answers.renew = () => {
      throw unavailable()
    }
    expect(await keeper.renew()).toBe(false)
    expect(codes()).toEqual(['TRI_STORE_UNAVAILABLE'])
    answers.renew = () => {
      throw lost()
    }
    expect(await keeper.renew()).toBe(true)
    expect(acquired).toHaveLength(2)
    expect(codes()).toEqual([])
  })

  it('tries again after a recovery that failed for good', async () => {
    const { keeper, answers, clock, stop, codes } = setUp()
    await keeper.acquire()
    answers.renew = () => {
      throw lost()
    }
    answers.acquire = () => {
      throw TrilaneError.of('TRI_INTERNAL', { text: 'x' })
    }
    void keeper.renewForever()
    await clock.pass(0)
    expect(codes()).toEqual(['TRI_LEASE_LOST'])
    answers.acquire = () => stored('10.5.1.0/24')
    answers.renewDelayMs = 3_600_000
    await clock.pass(60_000)
    expect(codes()).toEqual([])
    stop.abort()
  })
})

describe('LeaseKeeper.confirm, before a pod is given an address', () => {
  async function held() {
    const all = setUp()
    await all.keeper.acquire()
    let renewals = 0
    const { renew } = all.answers
    const answer = { lease: renew }
    all.answers.renew = () => {
      renewals++
      return answer.lease()
    }
    return { ...all, answer, renewals: () => renewals }
  }

  it('asks nobody while the lease is not due', async () => {
    const { keeper, answers, renewals } = await held()
    answers.renewDelayMs = 1
    expect(await keeper.confirm()).toBe(true)
    expect(renewals()).toBe(0)
  })

  it('renews one that is due, once for all who ask', async () => {
    const { keeper, renewals } = await held()
    expect(await Promise.all([keeper.confirm(), keeper.renew(), keeper.confirm()])).toEqual([
      true,
      true,
      true
    ])
    expect(renewals()).toBe(2)
  })

  it('refuses one that is lost, until there is one again', async () => {
    const { keeper, answers, answer, clock } = await held()
    answer.lease = () => {
      throw lost()
    }
    answers.acquire = () => {
      throw unavailable()
    }
    expect(await keeper.confirm()).toBe(false)
    expect(await keeper.confirm()).toBe(false)
    answers.acquire = () => stored('10.5.2.0/24')
    answers.renewDelayMs = 1
    await clock.pass(1_000)
    expect(await keeper.confirm()).toBe(true)
    expect(keeper.stored?.key).toBe('10.5.2.0-24')
  })

  it('goes by what is known while the store is away, or does not answer', async () => {
    const { keeper, answers, answer, renewals } = await held()
    answer.lease = () => {
      throw unavailable()
    }
    expect(await keeper.confirm()).toBe(true)
    expect(renewals()).toBe(1)
    answers.outage = unavailable()
    expect(await keeper.confirm()).toBe(true)
    expect(renewals()).toBe(1)
  })
})
