// Names and addresses that a container knows: extra hosts, DNS, links.
import { isIP } from 'node:net'
import { isMap, quote } from './item.js'
import type { Link } from './parts.js'
import { listOf, oneOrMore, type Reader, readText, setOf, sortUnique, textOf } from './read.js'

export const readAnyAddress = textOf('an IP address', text => isIP(text) !== 0)
export const readMac: Reader<string> = (item, report) =>
  textOf('a MAC address such as 02:42:ac:11:00:02', text => /^[\da-f]{2}([:-][\da-f]{2}){5}$/i.test(text))(item, report)
    ?.toLowerCase()
    .replaceAll('-', ':')

/** `host:address` or `host=address`, or a map; one form for all. */
export const readExtraHosts: Reader<readonly string[]> = (item, report) => {
  const { value } = item
  if (isMap(value))
    return sortUnique(
      [...value].flatMap(([host, entry]) => oneOrMore(readText)(entry, report)?.map(address => `${host}:${unbracket(address)}`) ?? []),
    )
  const readHost = textOf('host:address', text => /^[^\s:=]+[:=]\S+$/.test(text))
  const hosts = listOf(readHost)(item, report)
  return hosts && sortUnique(hosts.map(text => text.replace(/^([^:=]+)[:=](.*)$/, (_, host, address) => `${host}:${unbracket(address)}`)))
}

function unbracket(address: string): string {
  return address.replace(/^\[(.*)\]$/, '$1')
}

const linkForm = /^([^:\s]+)(?::([^:\s]+))?$/

/** `service` or `service:alias`, in order of alias. */
export const readLinks: Reader<readonly Link[]> = (item, report) => {
  const texts = setOf(textOf('service or service:alias', text => linkForm.test(text)))(item, report)
  const links = (texts ?? []).map(text => linkForm.exec(text) ?? []).map(([, service = '', alias = service]) => ({ service, alias }))
  const all = new Map(links.map(link => [`${link.alias}:${link.service}`, link]))
  return texts && sortUnique(all.keys()).flatMap(key => all.get(key) ?? [])
}

/** Each `container:alias`. */
export const readExternalLinks: Reader<readonly string[]> = (item, report) =>
  setOf((entry, inner) => {
    const text = readText(entry, inner)
    if (text === undefined) return undefined
    const [, name, alias = name] = linkForm.exec(text) ?? []
    return name === undefined
      ? inner.refuse(entry, 'compose.schema', `${quote(text)} is no link; write container or container:alias`)
      : `${name}:${alias}`
  })(item, report)
