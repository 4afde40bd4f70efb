/**
 * Edge: delays what one network device sends before another receives it: `node delay.ts FROM TO MILLISECONDS` makes both as TUN devices
 * (linux/Documentation/networking/tuntap.rst) in its network namespace, says `ready`, and passes packets on until it is killed. For kernels
 * without netem. Where only one direction of a connection takes this way its round trip is that much longer, which is what
 * `tc qdisc add dev DEVICE root netem delay` does, and the other direction, which carries the bytes, costs nothing.
 */
import { openSync } from 'node:fs'

type Functions = {
  readonly ioctl: (fd: number, request: bigint, argument: Buffer) => number
  readonly read: (fd: number, into: Buffer, bytes: bigint) => bigint
  readonly write: (fd: number, from: Buffer, bytes: bigint) => bigint
  readonly poll: (what: Buffer, count: bigint, ms: number) => number
}
type Ffi = { readonly dlopen: (path: null, symbols: object) => { readonly functions: Functions } }

const { ioctl, read, write, poll } = (process.getBuiltinModule('node:ffi') as unknown as Ffi).dlopen(null, {
  ioctl: { return: 'int32', arguments: ['int32', 'uint64', 'buffer'] },
  read: { return: 'int64', arguments: ['int32', 'buffer', 'uint64'] },
  write: { return: 'int64', arguments: ['int32', 'buffer', 'uint64'] },
  poll: { return: 'int32', arguments: ['buffer', 'uint64', 'int32'] },
}).functions

/** linux/if_tun.h, and the place of the flags in struct ifreq of linux/if.h. */
const [TUNSETIFF, IFF_TUN, IFF_NO_PI, ifreq] = [0x400454ca, 0x0001, 0x1000, { flags: 16, size: 40 }] as const
const POLLIN = 1

const openDevice = (name: string): number => {
  const fd = openSync('/dev/net/tun', 'r+')
  const request = Buffer.alloc(ifreq.size)
  request.write(name, 'latin1')
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, ifreq.flags)
  if (ioctl(fd, BigInt(TUNSETIFF), request) !== 0)
    throw new Error(`cannot make the network device ${name}: the kernel refuses it to this user`)
  return fd
}

const [from = '', to = '', delayMs] = process.argv.slice(2)
const [source, target] = [openDevice(from), openDevice(to)]
process.stdout.write('ready\n')

const pollfd = Buffer.alloc(8)
pollfd.writeInt32LE(source)
pollfd.writeInt16LE(POLLIN, 4)
const packet = Buffer.alloc(65_536)
const underWay: { readonly dueMs: number; readonly bytes: Buffer }[] = []

const pass = (): void => {
  while (underWay[0] !== undefined && underWay[0].dueMs <= performance.now()) {
    const { bytes } = underWay.shift() as (typeof underWay)[number]
    // A packet that is refused is lost, as on any way.
    write(target, bytes, BigInt(bytes.length))
  }
}

for (;;) {
  const waitMs = underWay[0] === undefined ? -1 : Math.max(0, Math.ceil(underWay[0].dueMs - performance.now()))
  if (poll(pollfd, 1n, waitMs) > 0) {
    const bytes = Number(read(source, packet, BigInt(packet.length)))
    if (bytes > 0) underWay.push({ dueMs: performance.now() + Number(delayMs), bytes: Buffer.from(packet.subarray(0, bytes)) })
  }
  pass()
}
