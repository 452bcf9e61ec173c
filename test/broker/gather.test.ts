// What a device is answered first leaves together, and later answers leave at once.
import { Duplex } from 'node:stream'
import { suite } from 'uvu'
import { equal, is } from 'uvu/assert'
import { gatherFirst } from '../../broker/gather.js'
import { eventually } from '../support/within.js'

const test = suite('gather')

/** A connection, and what left of it in one piece each. */
function connection() {
  const pieces: string[] = []
  const duplex = new Duplex({
    decodeStrings: false,
    read() {},
    write(chunk, _encoding, done) {
      pieces.push(String(chunk))
      done()
    },
    writev(chunks, done) {
      pieces.push(chunks.map(({ chunk }) => String(chunk)).join(''))
      done()
    },
  })
  return { duplex, pieces }
}

/** Something comes in, and is read. */
function arrive(duplex: Duplex): void {
  duplex.push('x')
  is(String(duplex.read()), 'x')
}

test('answers to the first arrivals leave in one piece, those to later ones at once', async () => {
  const { duplex, pieces } = connection()
  gatherFirst(duplex)
  duplex.write('connack')
  equal(pieces.splice(0), ['connack'], 'nothing has come yet')
  for (let arrivals = 0; arrivals < 8; arrivals++) {
    arrive(duplex)
    is(duplex.read(), null, 'that there is nothing more is no arrival')
    for (const answer of ['puback ', 'suback ', 'retained']) duplex.write(answer)
    equal(pieces, [])
    await eventually(5_000, 'the answers', () => pieces.length > 0)
    equal(pieces.splice(0), ['puback suback retained'])
  }
  arrive(duplex)
  duplex.write('late')
  equal(pieces, ['late'])
})

test('what has come behind a CONNECT is answered with it', async () => {
  const { duplex, pieces } = connection()
  duplex.push('filters')
  gatherFirst(duplex)
  duplex.write('connack ')
  is(String(duplex.read()), 'filters')
  duplex.write('suback')
  equal(pieces, [])
  await eventually(5_000, 'the answers', () => pieces.length > 0)
  equal(pieces, ['connack suback'])
})

test('what is destroyed meanwhile stays so', async () => {
  const { duplex, pieces } = connection()
  gatherFirst(duplex)
  arrive(duplex)
  duplex.write('never')
  duplex.destroy()
  await eventually(5_000, 'it lets go', () => duplex.writableCorked === 0)
  equal(pieces, [])
})

test.run()
