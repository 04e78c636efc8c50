import { LinuxFileLocks } from '../../src/index.ts'

/** `lock-holder FILE`: takes the lock, says so, and holds it until it is killed. */
async function main(path: string): Promise<void> {
  await new LinuxFileLocks().acquire(path, 5000)
  process.stdout.write('held\n')
  setInterval(() => {}, 1000)
}

void main(process.argv[2] ?? '')
