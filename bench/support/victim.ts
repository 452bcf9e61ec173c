// A program for benches: one device that connects with a will and waits to be killed.
import { RawClient } from './raw.js'

const [port = '0', id = 'victim'] = process.argv.slice(2)
const will = { topic: `skerry/device/${id}/status`, payload: Buffer.from('a30001010102f4', 'hex'), qos: 1 as const, retain: true }
const { client } = await RawClient.connect(Number(port), { clientId: `dev-${id}`, will })
await client.sync()
process.send?.('ready')
