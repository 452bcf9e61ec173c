// What most tests of PLCs begin with: a server, a PLC that is connected to it, and a group.
import { suite, type Test } from 'uvu'
import type { Clock } from '../../protocol/clock.js'
import { Embedded, Plc } from '../support/embedded.js'

interface PlcSite {
  site: Embedded
  plc: Plc
}

/** Each test gets a site of its own with the group `line-1`. */
export function plcSuite(name: string, clock?: Clock): Test<PlcSite> {
  const test = suite<PlcSite>(name)
  test.before.each(async context => {
    context.site = await Embedded.start(clock)
    context.plc = await Plc.connect(context.site.url)
    await context.site.api('POST', '/groups', { name: 'line-1' })
  })
  test.after.each(async ({ site, plc }) => {
    await plc.leave()
    await site.stop()
  })
  return test
}
