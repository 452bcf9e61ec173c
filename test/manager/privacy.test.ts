// Files with secrets are their owner's alone, and this machine's own way in cannot be shut by others on it.
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import { equal, is } from 'uvu/assert'
import { startBroker } from '../../broker/broker.js'
import { startManager } from '../../manager/manager.js'

const log = pino({ level: 'silent' })
const test = suite<{ folder: string }>('privacy')

test.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'skerry-privacy-'))
  chmodSync(context.folder, 0o755)
})
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }))

const modesIn = (folder: string): Record<string, number> =>
  Object.fromEntries(readdirSync(folder).map(name => [name, statSync(join(folder, name)).mode & 0o077]))

const startAt = (folder: string) =>
  startManager({
    ...{ file: join(folder, 'manager.db'), root: 'skerry', broker: { url: 'mqtt://127.0.0.1:1' }, log },
    http: { host: '127.0.0.1', port: 0, tokens: { local: 'of-this-machine', config: 'of-the-settings-file' } },
  })

test('databases are readable by their owner only, those of before too, with the files that SQLite keeps beside them', async ({
  folder,
}) => {
  for (const name of ['manager.db', 'broker.db']) writeFileSync(join(folder, name), '', { mode: 0o644 })
  const broker = await startBroker({ file: join(folder, 'broker.db'), listeners: [], log })
  const manager = await startAt(folder)
  const modes = modesIn(folder)
  await manager.stop()
  await broker.stop()
  const databases = Object.entries(modes).filter(([name]) => /^(manager|broker)\.db(-wal|-shm)?$/.test(name))
  equal(
    databases.filter(([, others]) => others !== 0),
    [],
  )
  is(databases.length >= 4, true, JSON.stringify(modes))
})

test('wrong guesses at a token shut out nobody who has the right one', async ({ folder }) => {
  const manager = await startAt(folder)
  const statusWith = async (token: string) =>
    (await fetch(`${manager.url}/api/v1/devices`, { headers: { authorization: `Bearer ${token}` } })).status
  try {
    is(await statusWith('of-the-settings-file'), 200)
    for (let guess = 0; guess < 60; guess++) await statusWith(`guess-${guess}`)
    is(await statusWith('another-guess'), 401)
    is(await statusWith('of-the-settings-file'), 200)
    is(await statusWith('of-this-machine'), 200)
  } finally {
    await manager.stop()
  }
})

test.run()
