import koffi from 'koffi'

/**
 * The few calls of libc that Node does not have. All are synchronous; those with `.async` run on a thread of Node's
 * pool. A negative result is a failure, and {@link lastErrno} says which, until the next call.
 */
const libc = koffi.load('libc.so.6')

const program = koffi.struct('trilane_sock_fprog', { len: 'uint16_t', filter: 'void *' })

type Bytes = Uint8Array

/** The mode is a variable argument of C's, and goes with its type. */
const variadicOpen = libc.func('int open(str, int, ...)') as unknown as (
  path: string,
  flags: number,
  type: 'uint',
  mode: number
) => number

export const sys = {
  socket: libc.func('int socket(int, int, int)') as unknown as (
    domain: number,
    type: number,
    protocol: number
  ) => number,
  bind: libc.func('int bind(int, void *, uint)') as unknown as (
    fd: number,
    address: Bytes,
    length: number
  ) => number,
  send: asyncable(libc.func('long send(int, void *, ulong, int)')) as Asyncable<
    [fd: number, data: Bytes, length: number, flags: number]
  >,
  recv: libc.func('long recv(int, void *, ulong, int)') as unknown as (
    fd: number,
    into: Bytes,
    length: number,
    flags: number
  ) => number,
  sendto: libc.func('long sendto(int, void *, ulong, int, void *, uint)') as unknown as (
    fd: number,
    data: Bytes,
    length: number,
    flags: number,
    address: Bytes,
    addressLength: number
  ) => number,
  setsockopt: libc.func('int setsockopt(int, int, int, void *, uint)') as unknown as (
    fd: number,
    level: number,
    option: number,
    value: Bytes,
    length: number
  ) => number,
  /** `length` is 4 bytes, little endian: room in `into`, then what was written. */
  getsockopt: libc.func('int getsockopt(int, int, int, void *, void *)') as unknown as (
    fd: number,
    level: number,
    option: number,
    into: Bytes,
    length: Bytes
  ) => number,
  open: libc.func('int open(str, int)') as unknown as (path: string, flags: number) => number,
  /** open(2) with O_CREAT: the mode is that of a file which is made. */
  openNew: openWithMode,
  close: asyncable(libc.func('int close(int)')) as Asyncable<[fd: number]>,
  unshare: libc.func('int unshare(int)') as unknown as (flags: number) => number,
  setns: libc.func('int setns(int, int)') as unknown as (fd: number, type: number) => number,
  read: libc.func('long read(int, void *, ulong)') as unknown as (
    fd: number,
    into: Bytes,
    length: number
  ) => number,
  inotifyInit: libc.func('int inotify_init1(int)') as unknown as (flags: number) => number,
  inotifyAddWatch: libc.func('int inotify_add_watch(int, str, uint)') as unknown as (
    fd: number,
    path: string,
    mask: number
  ) => number,
  fstatfs: libc.func('int fstatfs(int, void *)') as unknown as (fd: number, into: Bytes) => number,
  /** Requests without an argument only. */
  ioctl: libc.func('int ioctl(int, ulong)') as unknown as (fd: number, request: number) => number,
  /** Requests that read and write `struct ifreq`. */
  ioctlInto: libc.func('int ioctl(int, ulong, void *)') as unknown as (
    fd: number,
    request: number,
    into: Bytes
  ) => number,
  flock: libc.func('int flock(int, int)') as unknown as (fd: number, operation: number) => number
}

function openWithMode(path: string, flags: number, mode: number): number {
  return variadicOpen(path, flags, 'uint', mode)
}

/** One step of a classic BPF program: `struct sock_filter` (linux/filter.h). */
export interface FilterStep {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26

/** A `struct sock_fprog` is a number and a pointer, which only the FFI can write. */
const attach = libc.func('int setsockopt(int, int, int, trilane_sock_fprog *, uint)') as unknown as (
  fd: number,
  level: number,
  option: number,
  program: { readonly len: number; readonly filter: Bytes },
  length: number
) => number

/** What the program gives 0 for does not reach the socket. */
export function attachFilter(fd: number, steps: readonly FilterStep[]): number {
  const filter = Buffer.alloc(8 * steps.length)
  for (const [at, { code, jt, jf, k }] of steps.entries()) {
    filter.writeUInt16LE(code, 8 * at)
    filter.writeUInt8(jt, 8 * at + 2)
    filter.writeUInt8(jf, 8 * at + 3)
    filter.writeUInt32LE(k, 8 * at + 4)
  }
  return attach(fd, SOL_SOCKET, SO_ATTACH_FILTER, { len: steps.length, filter }, koffi.sizeof(program))
}

const vector = koffi.struct('trilane_iovec', { base: 'void *', length: 'size_t' })
const message = koffi.struct('trilane_msghdr', {
  name: 'void *',
  nameLength: 'uint32_t',
  vectors: koffi.pointer(vector),
  vectorCount: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int'
})

const recvmsg = libc.func('recvmsg', 'long', ['int', koffi.pointer(message), 'int']) as unknown as (
  fd: number,
  message: Readonly<Record<string, unknown>>,
  flags: number
) => number

/** Room for one message: what it says, whom it is from, and what the kernel says of it (cmsg(3)). */
export interface MessageRoom {
  readonly data: Bytes
  readonly address: Bytes
  /** Filled with zeroes before: how much was written is not told. */
  readonly control: Bytes
}

/** recvmsg(2). @returns the length, or a negative number */
export function receiveMessage(fd: number, { data, address, control }: MessageRoom, flags: number): number {
  const header = {
    name: address,
    nameLength: address.length,
    vectors: [{ base: data, length: data.length }],
    vectorCount: 1,
    control,
    controlLength: control.length,
    flags: 0
  }
  return Number(recvmsg(fd, header, flags))
}

interface Asyncable<Args extends unknown[]> {
  (...args: Args): number
  async(...args: [...Args, callback: (error: unknown, result: number) => void]): void
}

function asyncable<Args extends unknown[]>(func: unknown): Asyncable<Args> {
  return func as Asyncable<Args>
}

/** `errno` of the last call on this thread. */
export function lastErrno(): number {
  return koffi.errno()
}

/** Of two names for one number the one that stays away is the one that nobody says. */
const ALIASES = new Set(['EWOULDBLOCK', 'ENOTSUP', 'EDEADLOCK'])

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(koffi.os.errno)
    .filter(([name]) => !ALIASES.has(name))
    .map(([name, number]) => [number, name])
)

/** `EEXIST` for 17; the number itself for one without a name. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? String(errno)
}

/** Numbers of Linux that are the same on all architectures that Node runs on. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ERANGE: 34,
  EOPNOTSUPP: 95,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  EHOSTUNREACH: 113
} as const

export const O_CLOEXEC = 0o2000000
