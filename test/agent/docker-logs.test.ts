// Logs of real containers through the Engine: both streams, terminals, tails, times, and no faster than they are taken.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectEngine } from '../../agent/docker.js'
import type { LogQuery } from '../../agent/engine.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, docker } from '../support/docker.js'
import { eventually, within } from '../support/within.js'

const app = `skt-ask-logs-${process.pid}`
const engine = connectEngine('/var/run/docker.sock')
const idle = new AbortController().signal

const logs = suite('docker logs')
logs.before(() => void ensureTestImage())
logs.after(() => clear(app))

/** A container of the app that has run `script` to its end. */
function ran(service: string, script: string, more: readonly string[] = []): string {
  const labels = { 'io.skerry.app': app, 'com.docker.compose.service': service, 'com.docker.compose.container-number': '1' }
  const flags = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])
  const id = docker('run', '-d', '--network', 'none', ...flags, ...more, testImage, 'sh', '-c', script)
  docker('wait', id)
  return id
}

const query = (id: string, more: Partial<LogQuery> = {}): LogQuery => ({
  id,
  follow: false,
  tail: undefined,
  sinceS: undefined,
  after: '',
  timestamps: false,
  ...more,
})

async function read(wanted: LogQuery, signal = idle): Promise<Record<'out' | 'err', string>> {
  const texts = { out: '', err: '' }
  for await (const { stream, data } of engine.readLog(wanted, signal)) texts[stream] += String(data)
  return texts
}

logs('both streams come apart, tails and times as asked for', async () => {
  const id = ran('web', 'echo one; echo two; echo three')
  assert.equal(await read(query(ran('both', 'echo one; echo oops >&2'))), { out: 'one\n', err: 'oops\n' })
  assert.equal(await read(query(id, { tail: 1 })), { out: 'three\n', err: '' })
  assert.match((await read(query(id, { timestamps: true }))).out, /^(\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z (one|two|three)\n){3}$/)
  assert.equal(await read(query(id, { sinceS: Math.floor(Date.now() / 1000) + 100 })), { out: '', err: '' })
})

logs('a container with a terminal has one stream of plain lines', async () => {
  const id = ran('tty', 'echo one; echo oops >&2', ['-t'])
  assert.equal(await read(query(id)), { out: 'one\r\noops\r\n', err: '' })
})

logs('reading goes on exactly after the last line that was read', async () => {
  const id = ran('steps', 'for n in 1 2 3 4 5 6 7 8 9; do echo $n; done')
  let time = ''
  for await (const batch of engine.readLog(query(id, { tail: 5 }), idle)) time = batch.time
  assert.equal(await read(query(id, { after: time })), { out: '', err: '' })
  docker('start', id)
  docker('wait', id)
  assert.is((await read(query(id, { after: time, follow: true }))).out, '1\n2\n3\n4\n5\n6\n7\n8\n9\n')
})

logs('a line of 40,000 bytes, which the Engine keeps in pieces, is one line', async () => {
  const id = ran('long', 'head -c 40000 /dev/zero | tr "\\\\0" x; echo; echo end')
  const { out } = await read(query(id, { timestamps: true }))
  assert.equal(
    out.split('\n').map(line => line.length),
    [40_031, 34, 0],
  )
})

logs('a log that the Engine does not keep is refused', async () => {
  const id = ran('none', 'echo one', ['--log-driver', 'none'])
  const code = await read(query(id)).catch(error => error.code)
  assert.is(code, 'engine.refused')
})

logs('a log that nobody takes is not read to its end', async () => {
  const id = ran('much', 'for n in $(seq 1 2000); do head -c 10000 /dev/zero | tr "\\\\0" x; echo; done')
  const abort = new AbortController()
  const reading = engine.readLog(query(id), abort.signal)
  const first = await reading.next()
  assert.ok(!first.done && first.value.data.length <= 128 * 1024)
  abort.abort()
  await within(5_000, 'the end of reading', reading.return(undefined))
})

logs('following ends with the signal, and a container that is gone has no lines', async () => {
  const id = ran('gone', 'echo here')
  docker('start', id)
  const abort = new AbortController()
  const sources = await engine.logSources(app)
  assert.equal(
    sources.map(({ service }) => service),
    ['both', 'gone', 'long', 'much', 'none', 'steps', 'tty', 'web'].filter(service => sources.some(source => source.service === service)),
  )
  docker('rm', '-f', id)
  assert.equal(await read(query(id)), { out: '', err: '' })
  const running = docker(
    'run',
    '-d',
    '--network',
    'none',
    '--label',
    `io.skerry.app=${app}`,
    testImage,
    'sh',
    '-c',
    'echo up; exec sleep 1000',
  )
  let text = ''
  const follow = async () => {
    for await (const { data } of engine.readLog(query(running, { follow: true }), abort.signal)) text += String(data)
  }
  const following = follow()
  await eventually(10_000, 'its line', () => text === 'up\n')
  abort.abort()
  await within(5_000, 'the end of following', following)
})

logs.run()
