import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { GuestKernel } from './guest-kernel.ts'

export type GuestStream = 'stdout' | 'stderr' | 'console'

export interface MachineOptions {
  readonly prepared: GuestKernel
  /** Of this machine; the guest writes it: what it is to do, and how that ended. */
  readonly control: string
  readonly directory: string | undefined
  readonly onLine: (line: string, stream: GuestStream) => void
}

export interface Machine {
  kill(): void
  /** Settles when qemu has ended and all of its output was read, with the words for how; never rejects. */
  readonly ended: Promise<string>
}

/** Starts qemu with this machine's files below a prepared kernel. It dies with this process. */
export function startMachine({ prepared, control, directory, onLine }: MachineOptions): Machine {
  // Its own session, so that a terminal's Ctrl-C comes to the caller alone. The descriptors of the ports are sockets:
  // Node.js makes its pipes so, and qemu takes them as it finds them.
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...machineArguments(prepared, control, directory)],
    { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'], detached: true }
  )
  const streams: readonly [number, GuestStream][] = [
    [1, 'console'],
    [2, 'console'],
    [STDOUT_PORT, 'stdout'],
    [STDERR_PORT, 'stderr']
  ]
  const read = streams.map(([descriptor, stream]) => readLines(child.stdio[descriptor], stream, onLine))
  const exited = new Promise<string>((settle) => {
    child.once('error', (error) => settle(error.message))
    child.once('exit', (status, signal) => settle(`qemu ended with ${signal ?? `exit status ${status}`}`))
  })
  return {
    kill: () => void child.kill('SIGKILL'),
    ended: Promise.all([exited, ...read]).then(([how]) => how)
  }
}

const STDOUT_PORT = 3
const STDERR_PORT = 4

function machineArguments(prepared: GuestKernel, control: string, directory: string | undefined): string[] {
  return [
    ...['-accel', prepared.accelerator, '-cpu', 'max', '-smp', '2', '-m', '2G'],
    ...['-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
    ...['-kernel', prepared.kernel, '-initrd', prepared.initramfs, '-append', 'console=ttyS0 panic=-1'],
    ...['-device', 'virtio-serial-pci', ...port('stdout', STDOUT_PORT), ...port('stderr', STDERR_PORT)],
    // remap: the root has other file systems below it, whose inode numbers would meet.
    ...folder('root', '/', ',readonly=on,multidevs=remap'),
    ...folder('control', control, ''),
    ...(directory === undefined ? [] : folder('directory', directory, ''))
  ]
}

function port(name: string, descriptor: number): string[] {
  return [
    '-chardev',
    `socket,id=${name},fd=${descriptor}`,
    '-device',
    `virtserialport,chardev=${name},name=${name}`
  ]
}

/** A comma ends a value of qemu's unless it is doubled. */
function folder(tag: string, path: string, more: string): string[] {
  return ['-virtfs', `local,path=${path.replaceAll(',', ',,')},mount_tag=${tag},security_model=none${more}`]
}

function readLines(source: unknown, stream: GuestStream, onLine: MachineOptions['onLine']): Promise<void> {
  if (!(source instanceof Readable)) return Promise.resolve()
  const lines = createInterface({ input: source })
  lines.on('line', (line) => onLine(line, stream))
  // A pipe that breaks has ended, as qemu has: how, its exit status tells.
  source.once('error', () => lines.close())
  return new Promise((settle) => lines.once('close', settle))
}
