// A program for tests: passes datagrams on between two ports, at once until it gets SIGUSR1, and then after the delay that it was started with.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const host = '127.0.0.1'
const sockets = [createSocket('udp4'), createSocket('udp4')]
let delayMs = 0

for (const [at, socket] of sockets.entries()) {
  socket.bind(7000 + at, host)
  await once(socket, 'listening')
  socket.on('message', packet => setTimeout(() => sockets[1 - at]?.send(packet, 7011 - at, host), delayMs))
}
process.on('SIGUSR1', () => {
  delayMs = Number(process.argv[2])
  console.log('late')
})
console.log('ready')
