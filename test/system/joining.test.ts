// time limit: 180 s
// From nothing to Ready on two machines, by one pasted line, and nothing on the cable between them but TLS.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { otherProtocols, readStreams, readTlsRecords } from '../support/capture.js'
import { machineEngine } from '../support/docker.js'
import type { Cable } from '../support/net/cable.js'
import type { Host } from '../support/net/host.js'
import { needingLab, withLab } from '../support/net/lab.js'
import type { Child } from '../support/process.js'
import { eventually } from '../support/within.js'

const test = suite('joining over a cable')
const overCable = needingLab(test)
/** The server's. */
const address = '10.213.7.1'

test('bytes that are no TLS are seen as such', () => {
  const record = Buffer.from([23, 3, 3, 0, 2, 1, 2])
  assert.equal(readTlsRecords(Buffer.concat([record, record])), { types: [23, 23] })
  assert.equal(readTlsRecords(Buffer.concat([record, Buffer.from([0x10, 0x0a, 0, 4])])), { types: [23], endsAt: 7 })
})

interface Site {
  readonly here: Host
  readonly there: Host
  readonly cable: Cable
  readonly folder: string
  run(host: Host, ...args: string[]): Child
}

/** Two machines that know nothing of each other yet. */
function withSite(act: (site: Site) => Promise<void>): Promise<void> {
  return withLab(async lab => {
    const { folder } = lab
    const [here, there] = [lab.host(), lab.host()]
    const cable = lab.cable({ host: here, address }, { host: there, address: '10.213.7.2' })
    const children: Child[] = []
    const run = (host: Host, ...args: string[]): Child => {
      const child = host.run([process.execPath, 'dist/cli/main.js', ...args], { HOME: folder })
      children.push(child)
      return child
    }
    await act({ here, there, cable, folder, run }).finally(() => Promise.allSettled(children.map(child => child.end('SIGTERM'))))
  })
}

/** What a command prints, once it has ended well. */
async function outputOf(child: Child): Promise<string> {
  assert.is(await child.ended, 0, child.lines.join('\n'))
  return child.lines.join('\n')
}

overCable('the line that the server prints, pasted on another machine, makes it Ready, and the cable carries nothing but TLS', async () => {
  await withSite(async ({ here, there, cable, folder, run }) => {
    const [data, file] = [join(folder, 'server'), join(folder, 'cable.pcap')]
    const capture = await cable.capture(file)
    const server = run(here, 'server', '--data', data, '--mqtt-host', address)
    await server.line(/^MQTT at mqtts:/)
    await server.line(/^http:/)
    const created = await outputOf(run(here, 'token', 'create', '--data', data))
    const line = /skerry (agent join \S+ \S+)/.exec(created)?.[1]?.split(' ') ?? []
    assert.is(line[2], `mqtts://${address}:8883`, created)

    const began = performance.now()
    const agent = run(there, ...line, '--data', join(folder, 'device'), '--engine', machineEngine, '--name', 'far-away')
    await agent.line(/^[a-z0-9]{12}$/)
    const isReady = async () => {
      const { items } = JSON.parse(await outputOf(run(here, 'get', 'devices', '--data', data, '-o', 'json')))
      return items.length === 1 && items[0].name === 'far-away' && items[0].state === 'Ready'
    }
    await eventually(60_000, 'Ready', isReady)
    console.log(`Ready ${((performance.now() - began) / 1000).toFixed(1)} s after the line was pasted`)
    assert.is(await agent.end('SIGTERM'), 0)
    await capture.end('SIGINT')

    const streams = readStreams(file).filter(({ bytes }) => bytes.length > 0)
    const talks = streams.filter(({ bytes }) => readTlsRecords(bytes).types.includes(23))
    assert.ok(talks.length >= 4, 'the joining and the session, both ways')
    const end = `${address}:8883`
    for (const { from, to, bytes } of streams) {
      assert.ok(from === end || to === end, `${from} to ${to}`)
      const { types, endsAt } = readTlsRecords(bytes)
      assert.is(endsAt, undefined, `${from} to ${to} is no TLS from byte ${endsAt} on`)
      assert.is(types[0], 22, 'a handshake comes first')
    }
    assert.equal(
      otherProtocols(file).filter(number => number !== 1),
      [],
    )
    const [, , , token = ''] = line
    const secrets = [token.split('.')[1] ?? '', 'far-away', 'skerry/', 'MQTT']
    const all = readFileSync(file)
    for (const secret of secrets) assert.is(all.includes(secret), false, secret)
  })
})

test.run()
