// A child process with broker and manager as `skerry server` has them; tells its ports, and its memory when asked.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { startBroker } from '../../broker/broker.js'
import { startManager } from '../../manager/manager.js'
import { defaultRoot } from '../../protocol/topics.js'
import { benchToken } from './ask.js'

export type ServerAnswer =
  | { readonly kind: 'listening'; readonly mqttPort: number; readonly url: string }
  | { readonly kind: 'memory'; readonly rssBytes: number; readonly cpuMs: number }

const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-'))
const log = pino({ level: 'error' })
const broker = await startBroker({ file: join(folder, 'broker.db'), listeners: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }], log })
const manager = await startManager({
  file: join(folder, 'manager.db'),
  root: defaultRoot,
  broker: { connect: () => broker.connectInProcess() },
  http: { host: '127.0.0.1', port: 0, tokens: { local: benchToken } },
  log,
})
process.send?.({ kind: 'listening', mqttPort: broker.addresses[0]?.port ?? 0, url: manager.url } satisfies ServerAnswer)

process.on('message', (order: 'memory' | 'end') => {
  if (order === 'memory') {
    const { user, system } = process.cpuUsage()
    process.send?.({ kind: 'memory', rssBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 } satisfies ServerAnswer)
    return
  }
  void manager
    .stop()
    .then(() => broker.stop())
    .finally(() => {
      rmSync(folder, { recursive: true, force: true })
      process.exit(0)
    })
})
// The benchmark has ended, perhaps by a fault.
process.once('disconnect', () => process.exit())
