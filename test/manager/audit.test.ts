// The audit trail: what is recorded of changes and refusals, and that no tampering with it goes unseen.
import assert from 'node:assert/strict'
import { copyFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Libsql from 'libsql'
import { suite } from 'uvu'
import { Audit } from '../../manager/audit/audit.js'
import { burstRows, rowsPerMinute } from '../../manager/audit/refusals.js'
import { verifyFile } from '../../manager/audit/verify.js'
import type { Actor } from '../../manager/core/audit.js'
import { Journal } from '../../manager/journal.js'
import { readAudit } from '../../manager/store/audit.js'
import { openDb } from '../../manager/store/db.js'
import { ManualClock } from '../support/clock.js'
import { eventually } from '../support/within.js'
import { request, type Site, silent, startSite, tempFolder, webApp } from './site.js'

const test = suite('audit')

const anna: Actor = { who: 'anna', via: 'http', from: '10.1.4.7' }

interface Trail {
  readonly file: string
  readonly clock: ManualClock
  open(): { audit: Audit; rows(): ReturnType<typeof readAudit>; close(): void }
  /** As somebody does who has the file, and stops at no trigger. */
  tamper(...statements: string[]): void
  remove(): Promise<void>
}

async function makeTrail(deeds = 0): Promise<Trail> {
  const folder = await tempFolder()
  const file = join(folder.path, 'manager.db')
  const clock = new ManualClock()
  const trail: Trail = {
    file,
    clock,
    open() {
      const db = openDb(file)
      const audit = new Audit({ db, file, clock, log: silent })
      const close = () => {
        audit.stop()
        db.close()
      }
      return { audit, rows: () => readAudit(db, {}, { after: 0, limit: 10_000 }), close }
    },
    tamper(...statements) {
      const libsql = new Libsql(file)
      const triggers = libsql.prepare("select name from sqlite_master where type = 'trigger'").all([]) as { name: string }[]
      for (const { name } of triggers) libsql.exec(`drop trigger ${name}`)
      for (const statement of statements) libsql.exec(statement)
      libsql.close()
    },
    remove: folder.remove,
  }
  const { audit, close } = trail.open()
  for (let n = 1; n <= deeds; n++)
    audit.done({ action: 'app.deployed', target: `groups/line-${n}/apps/web`, detail: `revision ${n}` }, anna)
  close()
  return trail
}

const faultsOf = async (trail: Trail) => (await verifyFile(trail.file)).faults.map(({ number, message }) => `${number}: ${message}`)

test('a trail that nobody has touched is intact, over restarts', async () => {
  const trail = await makeTrail(3)
  const { audit, close } = trail.open()
  audit.done({ action: 'group.created', target: 'groups/line-4' }, anna)
  close()
  const found = await verifyFile(trail.file)
  assert.deepEqual([found.broken, found.rows, found.last.number], [0, 4, 4])
  await trail.remove()
})

test('the key of the trail is for the server alone', async () => {
  const trail = await makeTrail(1)
  assert.equal(statSync(join(trail.file, '..', 'audit.key')).mode & 0o777, 0o600)
  await trail.remove()
})

test('the database refuses to change or delete a row, and to set the head back', async () => {
  const trail = await makeTrail(3)
  const libsql = new Libsql(trail.file)
  for (const statement of [
    "update audit set who = 'bert' where number = 2",
    'delete from audit where number = 3',
    'delete from audit_head',
    'update audit_head set number = 2',
  ])
    assert.throws(() => libsql.exec(statement), /only grows/, statement)
  libsql.close()
  assert.deepEqual(await faultsOf(trail), [])
  await trail.remove()
})

test('a row that was changed is found and named', async () => {
  for (const change of [
    "who = 'bert'",
    'at = at + 1',
    "via = 'mqtt'",
    "source = '10.1.4.8'",
    "action = 'app.deleted'",
    "target = ''",
    "outcome = 'refused'",
    "code = 'auth.refused'",
    'count = 2',
    "detail = 'revision 7'",
    'hash = zeroblob(32)',
  ]) {
    const trail = await makeTrail(5)
    trail.tamper(`update audit set ${change} where number = 3`)
    const [first] = await faultsOf(trail)
    assert.match(first ?? '', /^3: row 3 was changed/, change)
    await trail.remove()
  }
})

test('a row that was changed together with its hash is found by the one after it', async () => {
  const trail = await makeTrail(5)
  trail.tamper('update audit set hash = randomblob(32) where number = 3')
  assert.match((await faultsOf(trail)).join(), /row 4 was changed or added, or row 3 was, together with its hash/)
  await trail.remove()
})

test('a row that was removed is found', async () => {
  const trail = await makeTrail(5)
  trail.tamper('delete from audit where number = 3')
  assert.deepEqual(await faultsOf(trail), ['4: row 3 was removed'])
  await trail.remove()
})

test('rows that were added are found, wherever they were put', async () => {
  const copy = (number: number) =>
    `insert into audit select ${number}, at, 'bert', via, source, action, target, outcome, code, count, detail, hash from audit where number = 5`
  const behind = await makeTrail(5)
  behind.tamper(copy(6))
  assert.match((await faultsOf(behind)).join(), /row 6 was changed or added/)
  await behind.remove()
  const before = await makeTrail(5)
  before.tamper(copy(0))
  assert.match((await faultsOf(before)).join(), /row 0 was added/)
  await before.remove()
  const between = await makeTrail(5)
  between.tamper('update audit set number = -number where number > 2', 'update audit set number = 1 - number where number < 0', copy(3))
  assert.match((await faultsOf(between))[0] ?? '', /row 3 was changed or added/)
  await between.remove()
})

test('a tail that was cut off is found, also once the server has written on', async () => {
  const trail = await makeTrail(5)
  trail.tamper('delete from audit where number > 3')
  assert.deepEqual(await faultsOf(trail), ['3: rows 4 to 5 were removed'])
  const { audit, close } = trail.open()
  audit.done({ action: 'group.created', target: 'groups/line-4' }, anna)
  close()
  assert.match((await faultsOf(trail)).join(), /rows 4 to 5 were removed/)
  await trail.remove()
})

test('a tail that was cut off together with the head is found, also once the server has written on', async () => {
  const trail = await makeTrail(5)
  trail.tamper('delete from audit where number > 3', 'update audit_head set number = 3, hash = (select hash from audit where number = 3)')
  assert.match((await faultsOf(trail)).join(), /not sealed/)
  const { audit, rows, close } = trail.open()
  audit.done({ action: 'group.created', target: 'groups/line-4' }, anna)
  assert.deepEqual(
    rows().map(({ number, action, code }) => [number, action, code]),
    [
      [1, 'app.deployed', null],
      [2, 'app.deployed', null],
      [3, 'app.deployed', null],
      [4, 'audit.resumed', 'audit.broken'],
      [5, 'group.created', null],
    ],
  )
  close()
  await trail.remove()
})

test('a trail whose head was removed goes on, and says so for good', async () => {
  const trail = await makeTrail(3)
  trail.tamper('delete from audit_head')
  assert.match((await faultsOf(trail)).join(), /head .* was removed/)
  const { audit, rows, close } = trail.open()
  audit.done({ action: 'group.created', target: 'groups/line-4' }, anna)
  assert.deepEqual(
    rows().map(({ action }) => action),
    ['app.deployed', 'app.deployed', 'app.deployed', 'audit.resumed', 'group.created'],
  )
  close()
  assert.notDeepEqual(await faultsOf(trail), [])
  await trail.remove()
})

test('a row that was put behind the newest one does not become good by what follows', async () => {
  const trail = await makeTrail(2)
  trail.tamper(
    "insert into audit select 3, at, 'bert', via, source, action, target, outcome, code, count, detail, hash from audit where number = 2",
  )
  const { audit, close } = trail.open()
  audit.done({ action: 'group.created', target: 'groups/line-4' }, anna)
  close()
  assert.notDeepEqual(await faultsOf(trail), [])
  await trail.remove()
})

test('a server that has lost its key says so, and seals with a new one', async () => {
  const trail = await makeTrail(2)
  rmSync(join(trail.file, '..', 'audit.key'))
  assert.match((await faultsOf(trail)).join(), /not sealed/)
  const { rows, close } = trail.open()
  assert.deepEqual(rows().at(-1)?.action, 'audit.resumed')
  close()
  assert.deepEqual(await faultsOf(trail), [])
  await trail.remove()
})

test('what cannot be recorded is not done', async () => {
  const folder = await tempFolder()
  const db = openDb(join(folder.path, 'manager.db'))
  const journal = new Journal(db, new ManualClock(), silent, () => {
    throw new Error('the trail is full')
  })
  assert.throws(() => journal.change(() => db.runSql("insert into groups values ('line-1', 0)", [])), /full/)
  assert.equal(db.firstSql('select * from groups', []), undefined)
  db.close()
  await folder.remove()
})

test('a head that was noted shows that an older copy was put in place of the trail', async () => {
  const trail = await makeTrail(2)
  const noted = (await verifyFile(trail.file)).last
  const copy = new Libsql(trail.file)
  copy.exec(`vacuum into '${trail.file}.old'`)
  copy.close()
  const { audit, close } = trail.open()
  audit.done({ action: 'group.created', target: 'groups/line-4' }, anna)
  close()
  const later = (await verifyFile(trail.file, noted)).last
  assert.equal((await verifyFile(trail.file, noted)).broken, 0)
  for (const more of ['', '-wal', '-shm']) rmSync(`${trail.file}${more}`, { force: true })
  copyFileSync(`${trail.file}.old`, trail.file)
  assert.equal((await verifyFile(trail.file)).broken, 0)
  assert.match((await verifyFile(trail.file, later)).faults[0]?.message ?? '', /row 3, whose hash was noted, is not there/)
  await trail.remove()
})

test('repeats of a refusal are one row a minute, with their number', async () => {
  const trail = await makeTrail()
  const { audit, rows, close } = trail.open()
  const refuse = (target: string) => audit.refused({ action: 'PUT /groups/:target/apps/:app', target }, 'auth.forbidden', anna)
  for (let n = 0; n < 50; n++) refuse('groups/a/apps/web')
  refuse('groups/b/apps/web')
  await eventually(20_000, 'refusals are stored', () => rows().length === 2)
  trail.clock.advance(60_000)
  await eventually(20_000, 'repeats are stored', () => rows().length === 3)
  close()
  const reopened = trail.open()
  assert.deepEqual(
    reopened.rows().map(({ who, target, outcome, code, count }) => [who, target, outcome, code, count]),
    [
      ['anna', 'groups/a/apps/web', 'refused', 'auth.forbidden', 1],
      ['anna', 'groups/b/apps/web', 'refused', 'auth.forbidden', 1],
      ['anna', 'groups/a/apps/web', 'refused', 'auth.forbidden', 49],
    ],
  )
  reopened.close()
  assert.deepEqual(await faultsOf(trail), [])
  await trail.remove()
})

test('a flood of refusals fills no disk, is counted whole, and crowds out no user', async () => {
  const trail = await makeTrail()
  const { audit, rows, close } = trail.open()
  const stranger: Actor = { who: '', via: 'http', from: '10.66.0.1' }
  const flood = 20_000
  for (let n = 0; n < flood; n++) audit.refused({ action: `GET /x${n}`, target: '' }, 'auth.refused', stranger)
  audit.refused({ action: 'DELETE /groups/:group', target: 'groups/a' }, 'auth.forbidden', anna)
  await eventually(20_000, 'refusals are stored', () => rows().length === burstRows + 1)
  trail.clock.advance(60_000)
  await eventually(20_000, 'the rest is stored', () => rows().length === burstRows + 2)
  for (let n = 0; n < flood; n++) audit.refused({ action: `GET /y${n}`, target: '' }, 'auth.refused', stranger)
  await eventually(20_000, 'a few more are stored', () => rows().length === burstRows + 2 + rowsPerMinute)
  close()
  const reopened = trail.open()
  const all = reopened.rows()
  const ofStrangers = all.filter(({ who }) => who === '').reduce((sum, { count }) => sum + count, 0)
  assert.equal(ofStrangers, 2 * flood)
  assert.equal(all.filter(({ who }) => who === 'anna').length, 1)
  reopened.close()
  await trail.remove()
})

test('rows are bounded, and hold nothing that a terminal would act upon', async () => {
  const trail = await makeTrail()
  const { audit, rows, close } = trail.open()
  audit.done(
    { action: 'a'.repeat(5000), target: 'b\u001b[31m\u0000\n\ud800', detail: 'c'.repeat(5000) },
    { ...anna, who: 'd'.repeat(5000) },
  )
  const [row] = rows()
  assert.equal(row?.action.length, 80)
  assert.equal(row?.target, 'b [31m  \ufffd')
  assert.equal(row?.detail.length, 300)
  assert.equal(row?.who.length, 128)
  close()
  assert.deepEqual(await faultsOf(trail), [])
  await trail.remove()
})

async function withSite(act: (site: Site) => Promise<void>): Promise<void> {
  const site = await startSite()
  try {
    await act(site)
  } finally {
    await site.stop()
  }
}

/** Without the first row: the first admin was made. */
const list = async (site: Site, query = '') =>
  (await request(site.manager, 'GET', `/audit${query}`)).body.items.filter((row: { action: string }) => row.action !== 'user.created')

test('the API tells of each change with who, what, when and from where', () =>
  withSite(async site => {
    await request(site.manager, 'POST', '/groups', { name: 'line-1' })
    await request(site.manager, 'PUT', '/groups/line-1/apps/web?env=PASSWORD=hunter2', webApp())
    await request(site.manager, 'POST', '/groups/line-1/apps/web/stop')
    const rows = await list(site)
    assert.deepEqual(
      rows.map(({ number, who, via, from, action, target, outcome, code, count }: Record<string, unknown>) => [
        number,
        who,
        via,
        from,
        action,
        target,
        outcome,
        code,
        count,
      ]),
      [
        [2, 'local', 'http', '127.0.0.1', 'group.created', 'groups/line-1', 'done', null, 1],
        [3, 'local', 'http', '127.0.0.1', 'app.deployed', 'groups/line-1/apps/web', 'done', null, 1],
        [4, 'local', 'http', '127.0.0.1', 'app.stopped', 'groups/line-1/apps/web', 'done', null, 1],
      ],
    )
    assert.ok(Math.abs(Date.now() - Date.parse(rows[0].at)) < 600_000)
    assert.ok(!JSON.stringify(rows).includes('hunter2'))
  }))

test('the API tells of each refusal of a change, with its code, and no body or query of it', () =>
  withSite(async site => {
    await request(site.manager, 'PUT', '/groups/nowhere/apps/web?env=PASSWORD=hunter2', webApp('secret.example/x'))
    await request(site.manager, 'POST', '/groups', { name: 'NOT A NAME' })
    await request(site.manager, 'GET', '/groups/nowhere')
    const rows = await eventually(20_000, 'refusals are stored', async () => {
      const found = await list(site)
      return found.length >= 2 && found
    })
    assert.deepEqual(
      rows.map(({ action, target, outcome, code }: Record<string, unknown>) => [action, target, outcome, code]),
      [
        ['PUT /groups/:target/apps/:app', 'groups/nowhere/apps/web', 'refused', 'group.unknown'],
        ['POST /groups', 'groups', 'refused', 'name.invalid'],
      ],
    )
    assert.ok(!/hunter2|secret\.example/.test(JSON.stringify(rows)))
  }))

test('whoever is not let in, or may not, is recorded, also for reading', () =>
  withSite(async site => {
    const { body } = await request(site.manager, 'POST', '/access-tokens', { name: 'screen', role: 'viewer', days: 1 })
    const viewer = { authorization: `Bearer ${body.token}` }
    assert.equal((await request(site.manager, 'GET', '/devices', undefined, { authorization: 'Bearer wrong' })).status, 401)
    assert.equal((await request(site.manager, 'PUT', '/groups/line-1/apps/web', webApp(), viewer)).status, 403)
    assert.equal((await request(site.manager, 'GET', '/audit', undefined, viewer)).status, 403)
    const rows = await eventually(20_000, 'the refusals are stored', async () => {
      const found = await list(site, '?outcome=refused')
      return found.length === 3 && found
    })
    assert.deepEqual(
      rows.map(({ who, from, action, target, code }: Record<string, unknown>) => [who, from, action, target, code]),
      [
        ['', '127.0.0.1', 'GET /devices', 'devices', 'auth.refused'],
        ['screen', '127.0.0.1', 'PUT /groups/:target/apps/:app', 'groups/line-1/apps/web', 'auth.forbidden'],
        ['screen', '127.0.0.1', 'GET /audit', 'audit', 'auth.forbidden'],
      ],
    )
    const [made] = await list(site, '?action=access-token.created')
    assert.equal(made.target, 'access-tokens/screen')
    assert.ok(!JSON.stringify(await list(site)).includes(body.token))
  }))

test('log-ins are recorded, and of those that were refused whose name was used, if it is somebody’s', () =>
  withSite(async site => {
    const password = 'correct horse'
    await request(site.manager, 'POST', '/users', { name: 'eva', role: 'viewer', password })
    const logIn = (user: string, given: string) => request(site.manager, 'POST', '/login', { user, password: given }, { authorization: '' })
    assert.equal((await logIn('eva', password)).status, 200)
    assert.equal((await logIn('eva', 'wrong horse')).status, 401)
    assert.equal((await logIn('hunter2', 'eva')).status, 401)
    const rows = await eventually(20_000, 'log-ins are stored', async () => {
      const found = (await list(site)).filter(({ action }: { action: string }) => action.includes('login'))
      return found.length === 3 && found
    })
    assert.deepEqual(
      rows.map(({ who, action, target, outcome, code }: Record<string, unknown>) => [who, action, target, outcome, code]),
      [
        ['eva', 'login', 'users/eva', 'done', null],
        ['', 'login', 'users/eva', 'refused', 'auth.refused'],
        ['', 'POST /login', 'login', 'refused', 'auth.refused'],
      ],
    )
    assert.ok(!/hunter2|horse/.test(JSON.stringify(await list(site))))
  }))

test('the list is paged and filtered', () =>
  withSite(async site => {
    for (const name of ['a', 'b', 'ab', 'c']) await request(site.manager, 'POST', '/groups', { name })
    await request(site.manager, 'PUT', '/groups/a/apps/web', webApp())
    const numbers = async (query: string) => (await list(site, query)).map((row: { number: number }) => row.number)
    assert.deepEqual(await numbers('?limit=2'), [5, 6])
    assert.deepEqual(await numbers('?before=5&limit=2'), [3, 4])
    assert.deepEqual(await numbers('?after=1&limit=2'), [2, 3])
    assert.deepEqual(await numbers('?after=3'), [4, 5, 6])
    assert.deepEqual(await numbers('?target=groups/a'), [2, 6])
    assert.deepEqual(await numbers('?action=app.deployed'), [6])
    assert.deepEqual(await numbers('?outcome=refused'), [])
    assert.deepEqual(await numbers('?since=1h'), [2, 3, 4, 5, 6])
    assert.deepEqual(await numbers('?since=2999-01-01'), [])
    assert.equal((await request(site.manager, 'GET', '/audit?since=yesterday')).status, 400)
  }))

test('the server verifies its own trail while it runs', () =>
  withSite(async site => {
    await request(site.manager, 'POST', '/groups', { name: 'a' })
    const { body } = await request(site.manager, 'GET', '/audit/verify')
    assert.deepEqual([body.intact, body.rows, body.head.split(':')[0], body.faults], [true, 2, '2', []])
    const other = await verifyFile(join(site.folder, 'manager.db'))
    assert.deepEqual([other.broken, other.rows], [0, 2])
  }))

test.run()
