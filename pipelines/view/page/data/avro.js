/**
 * Rows of Avro files, deflated or not: the table `rejected` (Avro 1.12, "Object Container
 * Files").
 */

import { inflate } from "../vendor/readers.min.js"

/**
 * All records of a file.
 *
 * @param {Uint8Array} bytes
 * @returns {Record<string, unknown>[]} `bytes` are Uint8Array, `long` numbers.
 * @throws {Error} It is no Avro file, or has a codec or a type that is not read here.
 */
export function readAvro(bytes) {
  const reader = new Reader(bytes)
  if (reader.text(4) !== "Obj\u0001") throw new Error("this is no Avro file")
  const header = reader.map()
  const schema = JSON.parse(decode(header["avro.schema"]))
  const codec = header["avro.codec"] ? decode(header["avro.codec"]) : "null"
  reader.take(16)
  const rows = []
  while (!reader.ended) {
    const count = reader.long()
    const block = new Reader(decompress(reader.take(reader.long()), codec))
    for (let at = 0; at < count; at += 1) rows.push(record(block, schema.fields))
    reader.take(16)
  }
  return rows
}

const decode = (bytes) => new TextDecoder().decode(bytes)

function record(reader, fields) {
  return Object.fromEntries(fields.map(({ name, type }) => [name, value(reader, type)]))
}

function value(reader, type) {
  if (type === "string") return decode(reader.take(reader.long()))
  if (type === "bytes") return reader.take(reader.long())
  if (type === "long" || type === "int") return reader.long()
  throw new Error(`Avro's type ${JSON.stringify(type)} is not read here`)
}

/** By fflate, since browsers refuse what writers of Avro leave behind a stream's end. */
function decompress(bytes, codec) {
  if (codec === "null") return bytes
  if (codec !== "deflate") throw new Error(`Avro's codec ${codec} is not read here`)
  return inflate(bytes)
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes
    this.at = 0
  }

  get ended() {
    return this.at >= this.bytes.length
  }

  take(count) {
    if (count < 0 || this.at + count > this.bytes.length)
      throw new Error("the Avro file is cut off")
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  text(count) {
    return decode(this.take(count))
  }

  /** A zigzag number of variable length, exact below 2^53. */
  long() {
    let [value, factor, byte] = [0, 1, 0]
    do {
      byte = this.take(1)[0]
      value += (byte & 127) * factor
      factor *= 128
    } while (byte & 128)
    return value % 2 ? -(value + 1) / 2 : value / 2
  }

  map() {
    const entries = {}
    for (let count = this.long(); count !== 0; count = this.long()) {
      if (count < 0) this.long()
      for (let at = 0; at < Math.abs(count); at += 1) {
        const key = this.text(this.long())
        entries[key] = this.take(this.long())
      }
    }
    return entries
  }
}
