// A server's certificate is judged in real handshakes: by who signed it and for which name as ever, and for its end by the floor.
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dial } from '../../agent/dial.js'
import type { BrokerAddress, ServerMemory } from '../../agent/reach.js'
import { type Credentials, TestAuthority, type Wish } from '../support/certificates.js'
import { within } from '../support/within.js'

const dayMs = 86_400_000
const ended: Wish = { from: -20 * dayMs, until: -10 * dayMs, use: 'server' }
const early: Wish = { from: 10 * dayMs, until: 20 * dayMs, use: 'server' }

class House {
  readonly heard: Buffer[] = []
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async open({ cert, key }: Credentials): Promise<House> {
    const server = createServer({ cert, key })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const house = new House(server, (server.address() as AddressInfo).port)
    server.on('tlsClientError', () => {})
    server.on('secureConnection', socket => {
      socket
        .on('error', () => {})
        .on('data', bytes => {
          house.heard.push(bytes)
          socket.end('done')
        })
    })
    return house
  }

  /** `done` once what was sent has been answered, or the code of why nothing was sent. */
  async visit(more: Partial<BrokerAddress>, host = '127.0.0.1'): Promise<string> {
    const socket = dial({ url: `mqtts://${host}:${this.port}`, ...more })
    socket.write('secret')
    try {
      return await within(10_000, 'the visit ends', outcome(socket))
    } finally {
      socket.destroy()
    }
  }

  close(): void {
    this.server.close()
  }
}

function outcome(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    socket.once('data', bytes => resolve(bytes.toString()))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

/** A floor so many days from now, and a resolver that knows one name. */
const floored = (days: number): { readonly memory: ServerMemory } => ({
  memory: {
    floorMs: () => Date.now() + days * dayMs,
    lookup: (_host, { all }, callback) => {
      if (all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
      else callback(null, '127.0.0.1', 4)
    },
    note: () => {},
  },
})

const test = suite('agent: TLS without a clock')

async function withHouse(credentials: Promise<Credentials>, run: (house: House) => Promise<void>): Promise<void> {
  const house = await House.open(await credentials)
  try {
    await run(house)
  } finally {
    house.close()
  }
}

test('a certificate that has ended, or not begun, by the clock is taken as long as its end is not before the floor', async () => {
  const authority = await TestAuthority.make()
  const ca = authority.pem
  for (const wish of [ended, early]) {
    await withHouse(authority.issue('localhost', wish), async house => {
      assert.is(await house.visit({ ca }), 'done')
      assert.is(await house.visit({ ca, ...floored(-15) }), 'done')
      assert.is(await house.visit({ ca, ...floored(25) }), 'CERT_ENDED')
      assert.is(house.heard.length, 2)
    })
  }
})

test('one that is good by the clock is refused where its end is before the floor', async () => {
  const authority = await TestAuthority.make()
  await withHouse(authority.server(), async house => {
    assert.is(await house.visit({ ca: authority.pem, ...floored(2) }), 'CERT_ENDED')
    assert.is(await house.visit({ ca: authority.pem, ...floored(0) }), 'done')
  })
})

test('the wrong time does not hide a wrong name, authority or use, and nothing is said to such a server', async () => {
  const [authority, other] = [await TestAuthority.make(), await TestAuthority.make()]
  await withHouse(authority.issue('localhost', ended), async house => {
    assert.is(await house.visit({ ca: authority.pem, ...floored(-15) }, 'elsewhere.test'), 'ERR_TLS_CERT_ALTNAME_INVALID')
    assert.is(await house.visit({ ca: authority.pem, ...floored(-15) }, 'localhost'), 'done')
    assert.is(house.heard.length, 1)
    house.heard.length = 0
    const foreign = await house.visit({ ca: other.pem })
    assert.ok(foreign !== 'done' && foreign !== 'CERT_ENDED', foreign)
    assert.is.not(await house.visit({}), 'done', 'by the authorities of the system')
    assert.equal(house.heard, [])
  })
  await withHouse(authority.issue('localhost', { ...ended, use: 'client' }), async house => {
    assert.is.not(await house.visit({ ca: authority.pem }), 'done')
    assert.equal(house.heard, [])
  })
})

test.run()
