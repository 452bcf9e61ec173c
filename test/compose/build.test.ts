// Images built from the app's files, and hooks around a container's life.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { removeOnce } from '../../agent/standalone.js'
import { testImage } from '../support/busybox.js'
import { docker } from '../support/docker.js'
import { base, engine, Site } from './support.js'

const site = new Site('build')
const building = suite('build')
const image = `${site.app}-web`
building.after.each(() => {
  site.clear()
  for (const name of [image, `${site.app}-own:1`]) if (docker('images', '-q', name) !== '') docker('rmi', '-f', name)
})
building.after(() => site.close())

building('an image is built from its folder, without what .dockerignore names, with arguments and a target', async () => {
  site.write('ctx/.dockerignore', '# comment\n*.log\nprivate\n!private/kept.txt\n')
  const long = `deep/${'x'.repeat(120)}/ü.txt`
  for (const path of ['a.txt', 'b.log', 'private/no.txt', 'private/kept.txt', long]) site.write(`ctx/${path}`, path)
  site.write('ctx/Dockerfile', `FROM ${testImage} AS one\nARG WHO=x\nENV WHO=$WHO\nCOPY . /ctx/\nFROM one AS two\nENV STAGE=two\n`)
  await site.apply(`services: { web: { stop_signal: SIGKILL, build: { context: ./ctx, args: { WHO: me }, target: one } } }`)
  assert.equal(site.run('web-1', 'ls', '/ctx').split('\n'), ['Dockerfile', 'a.txt', 'deep', 'private'])
  assert.is(site.run('web-1', 'ls', '/ctx/private'), 'kept.txt')
  assert.is(site.run('web-1', 'cat', `/ctx/${long}`), long)
  const env = site.containers()['web-1']?.Config.Env as string[]
  assert.ok(env.includes('WHO=me'))
  assert.not(env.includes('STAGE=two'))
})

building('a Dockerfile may stand in the compose file, and an image that is there is not built again', async () => {
  const text = `services: { web: { image: "${site.app}-own:1", stop_signal: SIGKILL, build: { context: ., dockerfile_inline: "FROM ${testImage}\\nENV A=1" } } }`
  const steps = await site.apply(text)
  assert.ok(steps.includes(`build image ${site.app}-own:1`))
  assert.equal(await site.apply(text), [])
})

building('a build that fails says so by its path, and makes nothing', async () => {
  site.write('bad/Dockerfile', `FROM ${testImage}\nRUN ["false"]\n`)
  const refusal = await site.apply('services: { web: { build: ./bad } }').catch(error => error.refusal)
  assert.equal([refusal.code, refusal.path], ['image.unavailable', 'services.web.build'])
  assert.equal(site.containers(), {})
})

building('what must not be pulled and is not here is refused by name', async () => {
  const refusal = await site.apply('services: { web: { image: "none-such:1", pull_policy: never } }').catch(error => error.refusal)
  assert.equal([refusal.code, refusal.path], ['image.unavailable', 'services.web.image'])
})

building('hooks run after the start and before the stop', async () => {
  const hook = (word: string) => `[{ command: [sh, -c, "echo ${word} $$WHO >> /log/all"], environment: { WHO: me } }]`
  const web = `${base}, volumes: ["log:/log"], post_start: ${hook('up')}, pre_stop: ${hook('down')}`
  await site.apply(`services: { web: { ${web} } }\nvolumes: { log: {} }`)
  assert.is(site.run('web-1', 'cat', '/log/all'), 'up me')
  await removeOnce({ engine, app: site.app })
  const left = docker('run', '--rm', '--network', 'none', '-v', `${site.app}_log:/log`, testImage, 'cat', '/log/all')
  assert.equal(left.split('\n'), ['up me', 'down me'])
})

building('a removal takes its images along if nothing else uses them', async () => {
  await site.apply(
    `services: { web: { stop_signal: SIGKILL, build: { context: ., dockerfile_inline: "FROM ${testImage}\\nENV B=2" } }, x: { ${base} } }`,
  )
  const other = docker('create', '--network', 'none', testImage)
  try {
    await removeOnce({ engine, app: site.app, images: true })
    assert.is(docker('images', '-q', image), '')
    assert.is.not(docker('images', '-q', testImage), '')
  } finally {
    docker('rm', other)
  }
})

building.run()
