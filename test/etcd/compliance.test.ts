import { describeSubnetStore } from '@trilane/compliance'
import { Etcd } from '@trilane/testbed'
import { afterAll, beforeAll, describe } from 'vitest'
import { etcdFixture } from './fixture.ts'

for (const members of [1, 3]) {
  describe(`an etcd of ${members}`, () => {
    let etcd: Etcd
    beforeAll(async () => {
      etcd = await Etcd.start({ members })
    }, 60_000)
    afterAll(() => etcd?.dispose())

    describeSubnetStore(`on etcd of ${members}`, { create: () => etcdFixture(etcd) })
  })
}
