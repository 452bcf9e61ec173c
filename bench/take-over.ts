// 10,000 forced take-overs: devices that connect again while their old session still stands. None may show as NotReady.
import { ask } from './support/ask.js'
import { BenchServer } from './support/children.js'
import { SimulatedDevice } from './support/device.js'
import { follow } from './support/events.js'
import { printFigure } from './support/figures.js'

const devices = 50
const rounds = 200

const server = await BenchServer.start()
let notReady = 0
const unfollow = await follow(server.url, event => {
  if (event.type === 'device.not-ready') notReady++
})

const started = performance.now()
async function takeOver(number: number): Promise<void> {
  for (let epoch = 1; epoch <= rounds + 1; epoch++) {
    const device = await SimulatedDevice.connect(server.mqttPort, `over-${number}`, epoch)
    await device.birth()
  }
}
await Promise.all(Array.from({ length: devices }, (_, number) => takeOver(number)))
const seconds = (performance.now() - started) / 1000

const answer = await ask(`${server.url}/api/v1/devices?state=Ready`)
const ready = ((await answer.json()) as { items: unknown[] }).items.length
printFigure(`${devices * rounds} take-overs: false NotReady`, notReady, '', '0')
printFigure('  devices Ready at the end', ready, '', String(devices))
printFigure('  take-overs a second', (devices * rounds) / seconds, '1/s')
unfollow()
await server.stop()
process.exit(notReady === 0 && ready === devices ? 0 : 1)
