// A device as the server sees it, made of single messages that mosquitto_pub sends. It has no engine and runs nothing.
import { spawn } from 'node:child_process'
import { type Reported, reportedCodec, statusCodec } from '../../protocol/messages.js'
import { clientIdOf, formatTopic } from '../../protocol/topics.js'

export interface FakeDevice {
  birth(): Promise<void>
  report(apps: Reported['apps']): Promise<void>
}

/** `mqttUrl`: of a broker on this machine. Epochs and sequence numbers start at 1. */
export function fakeDevice(mqttUrl: string, id: string): FakeDevice {
  const { hostname, port } = new URL(mqttUrl)
  let sequence = 0
  const publish = (channel: 'status' | 'reported', payload: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const topic = formatTopic('skerry', { kind: 'device', device: id, channel })
      const child = spawn('mosquitto_pub', ['-h', hostname, '-p', port, '-i', clientIdOf(id), '-t', topic, '-q', '1', '-r', '-s'])
      child.stdin.end(payload)
      child.once('error', reject)
      child.once('close', code => (code === 0 ? resolve() : reject(new Error(`mosquitto_pub ended with ${code}`))))
    })
  const facts = {
    name: id,
    addresses: ['10.1.4.7'],
    os: 'Debian',
    architecture: 'arm64',
    processor: 'Cortex-A72',
    cores: 4,
    memoryMiB: 3792,
    engineVersion: '20.10.24',
    agentVersion: '0.1.0',
  }
  return {
    birth: () => publish('status', statusCodec.encode({ version: 1, epoch: 1, online: true, facts, intervalS: 3600, engine: true })),
    report: apps =>
      publish(
        'reported',
        reportedCodec.encode({ version: 1, sequence: ++sequence, revision: 0, groups: [], apps, faults: [] } as Reported),
      ),
  }
}
