import { describeFirewall } from '@trilane/compliance'
import { LinuxFirewall } from '../src/index.ts'
import { foreignRules } from './foreign-rules.ts'
import { testNamespace } from './namespace.ts'

describeFirewall('on Linux', {
  create: async () => {
    const namespace = await testNamespace()
    const firewall = await LinuxFirewall.open({ namespace: namespace.path })
    const other = await LinuxFirewall.open({ namespace: namespace.path })
    return {
      firewall,
      other,
      foreign: foreignRules(namespace),
      dispose: async () => {
        firewall.close()
        other.close()
        await namespace.dispose()
      }
    }
  }
})
