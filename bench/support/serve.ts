// A program for benches and tests: Skerry's broker alone, as it ships. Tells its parent the port; ends with SIGTERM or with its parent.
import { pino } from 'pino'
import { startBroker } from '../../broker/broker.js'

const [file = 'broker.db'] = process.argv.slice(2)
const broker = await startBroker({ file, listeners: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }], log: pino({ level: 'warn' }) })
process.once('SIGTERM', () => void broker.stop().then(() => process.exit()))
// Nobody is left to stop it.
process.once('disconnect', () => process.exit())
process.send?.(broker.addresses[0]?.port)
