// `skerry usage`: what devices' connections to the broker cost.
import type { Command } from 'commander'
import type { Device } from '../api/devices.js'
import type { List } from '../api/list.js'
import type { Usage } from '../api/usage.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, parseWhole } from '../options.js'
import { type Format, printList, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { describeUsage, monthColumns } from '../views/usage.js'

interface Flags extends ClientFlags {
  readonly output: Format
  readonly group?: string
  readonly days?: number
}

export function addUsage(program: Command, shell: Shell): void {
  const command = program
    .command('usage')
    .description("show what devices' connections cost this month, or one device's by day, month and purpose")
    .argument('[device]', 'its id or name; without it, all devices')
  command
    .option('-g, --group <group>', 'devices in this group')
    .option('--days <n>', 'of one device, so many days at most; 31 unless told', parseWhole)
  addClientOptions(command).action(async (name: string | undefined, flags: Flags) => {
    const client = await connect(shell, flags)
    const { output, group, days } = flags
    if (name !== undefined) {
      const value = await client.request<Usage>('GET', `${pathOf('devices', name)}/usage`, { query: { days } })
      return printResult(shell, output, { value, name: value.device, sentence: describeUsage(value) })
    }
    const { items } = await client.request<List<Device>>('GET', '/devices', { query: { group } })
    const rows = items.map(({ id, name, usage }) => ({ device: id, name, month: usage }))
    return printList(shell, output, { items: rows, columns: monthColumns, nameOf: row => row.device, empty: 'no devices' })
  })
  addExamples(command, ['skerry usage', 'skerry usage --group vans', 'skerry usage press-7 --days 7', 'skerry usage press-7 -o json'])
}
