// Pulling from a real registry by the real Docker Engine: progress, moved and missing tags, credentials.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectEngine } from '../../agent/docker.js'
import type { PullProgress } from '../../agent/engine.js'
import { docker } from '../support/docker.js'
import { startRegistry } from '../support/registry.js'

const pulls = suite('registry')
const engine = connectEngine('/var/run/docker.sock')
const pull = (image: string, seen: PullProgress[] = []) =>
  engine.pull({ image, services: [] }, progress => seen.push(progress), new AbortController().signal)
const remove = (...images: string[]) => docker('rmi', '-f', ...images)
const idOf = (image: string) => docker('inspect', '-f', '{{.Id}}', image)

pulls('an image is pulled, its tag moves, and a missing tag is told from it', async () => {
  const registry = await startRegistry()
  try {
    const image = await registry.push('keep/app', '1', 'one')
    await pull(image)
    const first = idOf(image)
    await registry.push('keep/app', '1', 'two')
    await pull(image)
    assert.is.not(idOf(image), first)
    const code = await pull(`${registry.host}/keep/app:none`).catch(error => error.code)
    assert.is(code, 'image.unavailable')
    remove(first, image)
  } finally {
    await registry.close()
  }
})

pulls.run()
