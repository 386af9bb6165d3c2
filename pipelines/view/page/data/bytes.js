/** Files by HTTP range requests. */

const GAP_BYTES = 1 << 14
const PIECE_BYTES = 1 << 20

/**
 * A file that is read in pieces, as hyparquet wants it.
 *
 * A server that does not know range requests sends the whole file; it is kept then, so that
 * the page works there too, if slowly.
 */
export class RangeFile {
  #whole = null

  /**
   * @param {string} address
   * @param {number} byteLength Of the manifest, so that nothing is asked to learn it.
   * @param {{ bytes: number, requests: number, wholeFiles: number }} traffic Counts what is read.
   */
  constructor(address, byteLength, traffic) {
    this.address = address
    this.byteLength = byteLength
    this.traffic = traffic
  }

  /**
   * Bytes from `start` up to `end`.
   *
   * @param {number} start
   * @param {number} [end]
   * @returns {Promise<ArrayBuffer>}
   * @throws {Error} The server does not send them, or sends another number of bytes.
   */
  async slice(start, end = this.byteLength) {
    if (this.#whole) return (await this.#whole).slice(start, end)
    const response = await get(this.address, { Range: `bytes=${start}-${end - 1}` })
    if (response.status === 206) return this.#checked(await response.arrayBuffer(), end - start)
    this.traffic.wholeFiles += 1
    this.#whole = response.arrayBuffer().then((all) => this.#checked(all, this.byteLength))
    return (await this.#whole).slice(start, end)
  }

  #checked(received, expected) {
    this.traffic.requests += 1
    this.traffic.bytes += received.byteLength
    if (received.byteLength !== expected) {
      throw new Error(
        `${this.address}: ${received.byteLength} bytes came in place of ${expected}: the file is ` +
          "not what the manifest says; `narratives versions verify` tells more",
      )
    }
    return received
  }
}

/** A file of which some pieces are asked for beforehand, each in one request. */
export class PrefetchedFile {
  /**
   * @param {RangeFile} file
   * @param {[number, number][]} ranges Half-open, in bytes; near ones become one.
   */
  constructor(file, ranges) {
    this.file = file
    this.byteLength = file.byteLength
    this.pieces = merge(ranges).map(([start, end]) => {
      const bytes = file.slice(start, end)
      bytes.catch(() => {}) // whoever takes a part of it hears of it
      return { start, end, bytes }
    })
  }

  /** @param {number} start @param {number} [end] @returns {Promise<ArrayBuffer>} */
  async slice(start, end = this.byteLength) {
    const piece = this.pieces.find((one) => one.start <= start && end <= one.end)
    if (!piece) return this.file.slice(start, end)
    return (await piece.bytes).slice(start - piece.start, end - piece.start)
  }
}

function merge(ranges) {
  const merged = []
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    const isNear = last && start - last[1] <= GAP_BYTES && end - last[0] <= PIECE_BYTES
    if (isNear) last[1] = Math.max(last[1], end)
    else merged.push([start, end])
  }
  return merged
}

/** @param {string} address @param {Record<string, string>} [headers] */
async function get(address, headers = {}) {
  let response
  try {
    response = await fetch(address, { headers })
  } catch (error) {
    throw new Error(`${address} cannot be read: is its server still running?`, { cause: error })
  }
  if (!response.ok) throw new Error(`${address}: the server says ${response.status}`)
  return response
}

/** A JSON file. @param {string} address */
export async function readJson(address) {
  const response = await get(address)
  try {
    return await response.json()
  } catch (error) {
    throw new Error(`${address} is no JSON`, { cause: error })
  }
}

/** A text file. @param {string} address @returns {Promise<string>} */
export const readText = async (address) => (await get(address)).text()

/** All bytes of a file. @param {string} address @returns {Promise<Uint8Array>} */
export const readBytes = async (address) => new Uint8Array(await (await get(address)).arrayBuffer())
