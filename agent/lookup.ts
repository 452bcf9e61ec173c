// Finds the server's addresses by its name; where the name does not resolve, the addresses at which it was reached before are tried.
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Clock } from '../protocol/clock.js'

/** All addresses of a name, by whatever means. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

/** An answer that takes longer comes too late for a connection that is given up after 30 s. */
const patienceMs = 8_000

/** `recall`: addresses known for a name. Without any, the resolver has all the time that it takes. */
export function tolerantLookup(recall: (host: string) => readonly string[], clock: Clock, resolve: Resolve = ask): LookupFunction {
  /** A resolver that hangs keeps one of the process's few threads: it is not asked again meanwhile. */
  const underWay = new Map<string, Promise<readonly LookupAddress[]>>()
  const once = (host: string): Promise<readonly LookupAddress[]> => {
    const asked = underWay.get(host) ?? resolve(host).finally(() => underWay.delete(host))
    underWay.set(host, asked)
    return asked
  }
  const find = async (host: string): Promise<readonly LookupAddress[]> => {
    const known = recall(host).map(address => ({ address, family: isIP(address) }))
    if (known.length === 0) return once(host)
    let cancel = () => {}
    const late = new Promise<readonly LookupAddress[]>(give => {
      cancel = clock.after(patienceMs, () => give(known))
    })
    return Promise.race([once(host).catch(() => known), late]).finally(() => cancel())
  }
  return (host, options, callback) => {
    find(host).then(
      found => answer(found, options, callback),
      (error: NodeJS.ErrnoException) => callback(error, []),
    )
  }
}

/** In the form that the caller has asked for. */
function answer(found: readonly LookupAddress[], { all, family }: LookupOptions, callback: Parameters<LookupFunction>[2]): void {
  const wanted = Number(String(family ?? 0).replace('IPv', ''))
  const fitting = wanted === 0 ? [...found] : found.filter(each => each.family === wanted)
  const [first] = fitting
  if (first === undefined) callback(Object.assign(new Error('no address of the family asked for'), { code: 'ENOTFOUND' }), [])
  else if (all === true) callback(null, fitting)
  else callback(null, first.address, first.family)
}

function ask(host: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)))
  })
}
