// Reports as fast-check makes them up, and one of a device with many apps.
import fc from 'fast-check'
import { serviceStates } from '../../protocol/messages/heartbeat.js'
import { appStates, type Reported, type ReportedApp, type ReportedService } from '../../protocol/messages/reported.js'

const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })

/** Without the keys that are undefined, as decoded messages are. */
function tidy<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T
}

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const small = fc.nat(3)
const fault = fc.record({ code: fc.constantFrom('image.pull', 'service.exited'), message: fc.string({ maxLength: 5 }) })

const service = fc
  .record({
    name,
    state: fc.constantFrom(...serviceStates),
    image: fc.constantFrom('nginx:1', 'nginx:2'),
    exitCode: some(small),
    restarts: some(small),
    ports: some(fc.array(fc.constantFrom('80', '443'), { maxLength: 2 })),
    container: some(fc.constantFrom('4f1c0a9be2d7', '000000000000')),
    pulledBytes: some(small),
    digest: some(fc.constantFrom('sha256:1', 'sha256:2')),
    scale: some(small),
  })
  .map(made => tidy(made) as ReportedService)

const app = fc
  .record({
    name,
    group: some(fc.constantFrom('line-1', 'line-2')),
    revision: small,
    digest: some(fc.constantFrom(1, 2).map(byte => new Uint8Array(32).fill(byte))),
    state: fc.constantFrom(...appStates),
    fault: some(fault),
    services: fc.array(service, { maxLength: 5 }),
    failedRevision: some(small),
    refreshed: some(small),
  })
  .map(made => tidy(made) as ReportedApp)

/** Names may come twice, and in any order. */
export const anyReport: fc.Arbitrary<Reported> = fc
  .record({
    version: fc.constant(1),
    sequence: fc.nat(1000),
    start: some(fc.integer({ min: 1, max: 3 })),
    instance: some(fc.constant(new Uint8Array(8).fill(3))),
    revision: small,
    groups: fc.array(fc.record({ name, revision: small }), { maxLength: 3 }),
    apps: fc.array(app, { maxLength: 6 }),
    faults: some(fc.array(fault, { maxLength: 2 })),
    fleet: some(small),
    key: some(fc.constant(new Uint8Array(8).fill(4))),
    hold: some(
      fc.constantFrom({ by: 'owner', why: 'missing' }, {
        by: 'group',
        group: 'line-1',
        why: 'lapsed',
        who: 'press PLC',
        since: 1_767_225_600,
      } as const),
    ),
  })
  .map(made => tidy(made) as Reported)

/** Apps of one service each, as running ones are told. */
export function busyReport(apps: number): Reported {
  return {
    version: 1,
    start: 12,
    sequence: 300,
    instance: Buffer.from('0011223344556677', 'hex'),
    revision: 140,
    groups: [{ name: 'line-1', revision: 139 }],
    apps: Array.from({ length: apps }, (_, n) => ({
      name: `app-${n}`,
      group: 'line-1',
      revision: 4,
      digest: Buffer.alloc(32, n),
      state: 'running',
      services: [
        {
          name: 'web',
          state: 'healthy',
          image: 'registry.example/line/web:1.27',
          ports: [`0.0.0.0:${8000 + n}->80/tcp`],
          container: '4f1c0a9be2d7',
          digest: `sha256:${'ab'.repeat(32)}`,
        },
      ],
    })),
    key: Buffer.alloc(8, 5),
  }
}
