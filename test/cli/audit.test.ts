// `skerry audit` and `skerry images`, against a real manager, and against its database alone.
import { join } from 'node:path'
import Libsql from 'libsql'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { request, type Site, startSite, webApp } from '../manager/site.js'
import { type CliResult, runHere } from '../support/cli.js'
import { testHttp } from '../support/credentials.js'

const test = suite<{ site: Site; cli(...args: string[]): Promise<CliResult> }>('cli: audit')

test.before.each(async context => {
  const site = await startSite()
  context.site = site
  context.cli = (...args) =>
    runHere(args, { env: { SKERRY_SERVER: site.manager.url, SKERRY_HTTP_TOKEN: testHttp.tokens.local, HOME: site.folder } })
})
test.after.each(({ site }) => site.stop())

/** As somebody does who has the file, and stops at no trigger. */
function tamper(site: Site, statement: string): void {
  const libsql = new Libsql(join(site.folder, 'manager.db'))
  libsql.exec('drop trigger audit_unchanged; drop trigger audit_kept')
  libsql.exec(statement)
  libsql.close()
}

test('the trail is listed, also by page and whole', async ({ site, cli }) => {
  for (let n = 1; n <= 12; n++) await request(site.manager, 'POST', '/groups', { name: `g${n}` })
  const { code, out } = await cli('audit', 'list', '--limit', '3')
  assert.is(code, 0)
  assert.match(out, /ROW\s+AT\s+WHO\s+FROM\s+OUTCOME\s+ACTION\s+TARGET/)
  assert.match(out, /13 .* http 127\.0\.0\.1\s+done\s+group\.created\s+groups\/g12/)
  assert.is(out.trim().split('\n').length, 4)
  const { items } = JSON.parse((await cli('audit', 'list', '--all', '-o', 'json')).out)
  assert.equal(
    items.map((row: { number: number }) => row.number),
    Array.from({ length: 13 }, (_, n) => n + 1),
  )
  assert.is((await cli('audit', 'list', '--target', 'groups/g1', '-o', 'name')).out.trim(), '2')
  assert.is((await cli('audit', 'list', '--since', 'yesterday')).code, 4)
})

test('a trail that nobody has touched is verified with and without the server, and so is a head of before', async ({ site, cli }) => {
  await request(site.manager, 'POST', '/groups', { name: 'a' })
  const head = (await cli('audit', 'verify', '-o', 'name')).out.trim()
  assert.match(head, /^2:[\w-]{43}$/)
  await request(site.manager, 'POST', '/groups', { name: 'b' })
  for (const more of [[], ['--data', site.folder]]) {
    const { code, out } = await cli('audit', 'verify', '--head', head, ...more)
    assert.is(code, 0)
    assert.match(out, /^3 rows, all as they were written; head 3:/)
    const wrong = await cli('audit', 'verify', '--head', head.replace(/^2/, '3'), ...more)
    assert.is(wrong.code, 4)
    assert.match(wrong.err, /row 3, whose hash was noted, has another hash now.*\(audit\.broken\)/)
  }
  assert.is((await cli('audit', 'verify', '--head', 'x', '--data', site.folder)).code, 2)
})

test('a row that was changed is named, with an exit code of its own', async ({ site, cli }) => {
  for (const name of ['a', 'b', 'c']) await request(site.manager, 'POST', '/groups', { name })
  tamper(site, "update audit set who = 'nobody' where number = 3")
  for (const more of [[], ['--data', site.folder]]) {
    const { code, out, err } = await cli('audit', 'verify', ...more)
    assert.equal([code, out], [4, ''])
    assert.match(err, /error: row 3 was changed or added.*\(audit\.broken\)/)
  }
  const json = await cli('audit', 'verify', '-o', 'json')
  assert.is(json.code, 4)
  assert.is(JSON.parse(json.out).faults[0].number, 3)
})

test('a folder without a database is no broken trail', async ({ site, cli }) => {
  assert.is((await cli('audit', 'verify', '--data', join(site.folder, 'none'))).code, 2)
})

test('images are allowed, listed, refused at the deploy, removed and cleared', async ({ site, cli }) => {
  await request(site.manager, 'POST', '/groups', { name: 'line-1' })
  assert.match((await cli('images', 'list')).err, /no lists: all images may run/)
  assert.match(
    (await cli('images', 'allow', 'registry.example/**', 'nginx')).out,
    /the fleet allows docker.io\/library\/nginx, registry.example\/\*\*/,
  )
  assert.match((await cli('images', 'allow', 'nginx:1.*', '--group', 'line-1')).out, /group line-1 allows docker.io\/library\/nginx:1\.\*/)
  const listed = (await cli('images', 'list')).out
  assert.match(listed, /the fleet\s+docker\.io\/library\/nginx registry\.example/)
  assert.match(listed, /group line-1\s+docker\.io/)
  const deployed = await request(site.manager, 'PUT', '/groups/line-1/apps/web', webApp('nginx:2'))
  assert.is(deployed.body.code, 'image.denied')
  assert.match((await cli('images', 'remove', 'nginx:1.*', '-g', 'line-1')).out, /group line-1 allows nothing/)
  assert.is((await cli('images', 'remove', 'busybox')).code, 4)
  assert.match((await cli('images', 'clear', '-g', 'line-1')).out, /cleared: it allows all/)
  assert.is((await cli('images', 'list', '-o', 'name')).out.trim(), 'fleet')
})

test.run()
