// Names of images, as the Engine takes them.
import { textOf } from './read.js'

const component = /^[a-z\d]+(?:(?:\.|_{1,2}|-+)[a-z\d]+)*$/
const host = /^(?:[a-z\d](?:[a-z\d.-]*[a-z\d])?|\[[\da-f:]+\])(?::\d{1,5})?$/i

/** `[host[:port]/]path[:tag][@digest]`, the path in small letters; or an image's id. */
export const readImage = textOf("an image's name such as registry.example/app:1.2", isImage)

function isImage(text: string): boolean {
  if (text.length > 512) return false
  const [name = '', digest, ...more] = text.split('@')
  if (more.length > 0 || (digest !== undefined && !/^[a-z\d+._-]+:[\da-f]{32,128}$/i.test(digest))) return false
  const [, path = name, tag] = /^(.*):([^:/]*)$/.exec(name) ?? []
  return (tag === undefined || /^\w[\w.-]{0,127}$/.test(tag)) && isRepository(path)
}

function isRepository(path: string): boolean {
  const [first = '', ...rest] = path.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  if (hasHost && !host.test(first)) return false
  return (hasHost ? rest : [first, ...rest]).every(part => component.test(part))
}
