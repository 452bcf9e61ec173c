// Makes a state folder that of a device which has joined a fleet, for tests that start an agent by its command.
import { join } from 'node:path'
import { pino } from 'pino'
import { Disk } from '../../agent/disk.js'
import { Identity } from '../../agent/identity/identity.js'
import { readRequest } from '../../manager/identity/x509.js'
import { unwrap } from '../../protocol/errors.js'
import type { GateWorld } from './gate.js'
import { manager } from './signing.js'

const log = pino({ level: 'silent' })

/** `data`: the data folder of the command. What the fleet signs, {@link manager} signs. Returns the device's id. */
export async function enrol(data: string, { url, pki }: GateWorld): Promise<string> {
  const folder = join(data, 'agent')
  const disk = new Disk(folder, log)
  const { id } = disk
  disk.close()
  const identity = new Identity(folder, log)
  const { chain } = await pki.issue(unwrap(await readRequest(identity.createRequest(id))), id)
  unwrap(identity.join({ chain, device: id, now: Date.now() }, { server: url, ca: undefined, keys: [manager.publicKey] }))
  return id
}
