// A program for tests: passes datagrams on between two ports, each after the delay that it is started with.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const delayMs = Number(process.argv[2])
const host = '127.0.0.1'
const sockets = [createSocket('udp4'), createSocket('udp4')]

for (const [at, socket] of sockets.entries()) {
  socket.bind(7000 + at, host)
  await once(socket, 'listening')
  socket.on('message', packet => setTimeout(() => sockets[1 - at]?.send(packet, 7011 - at, host), delayMs))
}
console.log('ready')
