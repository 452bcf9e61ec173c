// A child process that is one simulated device, to be killed: connects, says its birth, and waits for its end.
import { SimulatedDevice } from './device.js'

const [port = '0', id = '', epoch = '1'] = process.argv.slice(2)
const device = await SimulatedDevice.connect(Number(port), id, Number(epoch))
await device.birth()
process.send?.('ready')
// The benchmark has ended, perhaps by a fault.
process.once('disconnect', () => process.exit())
