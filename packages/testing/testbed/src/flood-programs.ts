/**
 * The two ends of a flood, as programs for `node -e`: they run inside namespaces, where no file of ours need be.
 * Both end when their stdin does.
 *
 * UDP and not `ping -i 0.001`: ping waits for such short intervals by spinning, and takes a whole processor.
 */

/**
 * Words that both share: arguments, and how many datagrams the kernel threw away because this process had not read
 * them in time ("RcvbufErrors" of the namespace; v4 has a line of names and one of values, v6 a line for each).
 */
const PRELUDE = `
const dgram = require('node:dgram'), fs = require('node:fs')
const [address, port, ...more] = process.argv.slice(1)
const v6 = address.includes(':')
const socket = dgram.createSocket(v6 ? 'udp6' : 'udp4')
const unread = () => {
  if (v6) return Number(/Udp6RcvbufErrors\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/net/snmp6', 'utf8'))[1])
  const [names, values] = fs.readFileSync('/proc/self/net/snmp', 'utf8').split('\\n').filter((line) => line.startsWith('Udp:'))
  return Number(values.split(' ')[names.split(' ').indexOf('RcvbufErrors')])
}
const unreadBefore = unread()
const tell = (fact) => process.stdout.write(JSON.stringify(fact) + '\\n')
process.stdin.resume()
`

/** Arguments: address, port (0: any). Writes `{port}`, and at its end `{arrived, unread}`. Sends back what comes. */
export const ECHO_PROGRAM = `${PRELUDE}
const arrived = new Set()
socket.on('message', (message, from) => {
  arrived.add(message.readUInt32BE(0))
  socket.send(message, from.port, from.address, () => {})
})
// A refused bind has a listener of Node's own, so without this one it would be silent.
socket.on('error', (error) => { console.error(error.message); process.exit(1) })
socket.bind(Number(port), address, () => tell({ port: socket.address().port }))
process.stdin.on('end', () => { tell({ arrived: arrived.size, unread: unread() - unreadBefore }); process.exit() })
`

/**
 * Arguments: address, port, packets per second, size of a datagram, how long to wait for the last answers (ms).
 * Writes `{port}` when the first is sent, and at its end `{sent, received, duplicates, longestGapMs, unread}`.
 */
export const SENDER_PROGRAM = `${PRELUDE}
const [rate, size, lastWaitMs] = more.map(Number)
const sentAt = [], answered = new Set()
let duplicates = 0, start
const now = () => performance.now()
const sendOne = () => {
  const message = Buffer.alloc(size)
  message.writeUInt32BE(sentAt.length)
  sentAt.push(now())
  socket.send(message, Number(port), address, () => {})
}
socket.on('error', () => {})
socket.on('message', (message) => {
  const number = message.readUInt32BE(0)
  if (answered.has(number)) duplicates++
  else answered.add(number)
})
socket.bind(0, () => {
  start = now()
  sendOne()
  tell({ port: socket.address().port })
  const timer = setInterval(() => {
    // After a pause of this process it goes on at its rate; catching up in one burst would overrun buffers.
    const due = Math.floor((now() - start) * rate / 1000) + 1 - sentAt.length
    if (due > 20) start += (due - 20) * 1000 / rate
    for (let left = Math.min(due, 20); left > 0; left--) sendOne()
  }, 1)
  process.stdin.on('end', async () => {
    clearInterval(timer)
    const end = now()
    while (answered.size < sentAt.length && now() - end < lastWaitMs) await new Promise((r) => setTimeout(r, 5))
    let longestGapMs = 0, lastAnswered
    for (let number = 0; number < sentAt.length; number++) {
      if (!answered.has(number)) continue
      const before = lastAnswered ?? -1
      if (number - before > 1) longestGapMs = Math.max(longestGapMs, sentAt[number] - sentAt[Math.max(before, 0)])
      lastAnswered = number
    }
    if (lastAnswered !== sentAt.length - 1) longestGapMs = Math.max(longestGapMs, end - sentAt[lastAnswered ?? 0])
    tell({ sent: sentAt.length, received: answered.size, duplicates, longestGapMs, unread: unread() - unreadBefore })
    process.exit()
  })
})
`
