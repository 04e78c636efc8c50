import { describeFirewall } from '@trilane/compliance'
import { MemoryFirewall, MemoryRules } from '../src/index.ts'

describeFirewall('in memory', {
  create: () => {
    const foreign = new MemoryRules()
    return { firewall: new MemoryFirewall(foreign), other: new MemoryFirewall(foreign), foreign }
  }
})
