import { TrilaneError } from '@trilane/contracts'
import { LinuxFirewall } from '../../src/index.ts'

/** Prints what each method of the firewall comes to, as JSON. */
async function main(): Promise<void> {
  const firewall = await LinuxFirewall.open()
  const outcomes: Record<string, string> = {}
  const attempt = async (name: string, act: () => unknown): Promise<void> => {
    try {
      await act()
      outcomes[name] = 'done'
    } catch (error) {
      outcomes[name] = TrilaneError.from(error).code
    }
  }
  await attempt('holds', () => firewall.holds(undefined))
  await attempt('replace', () => firewall.replace({ sets: [], chains: [] }))
  await attempt('remove', () => firewall.remove())
  await attempt('surroundings', () => firewall.surroundings())
  await attempt('watch', () => firewall.watch(() => {}))
  firewall.close()
  process.stdout.write(JSON.stringify(outcomes))
}

void main()
