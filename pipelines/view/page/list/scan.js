/**
 * Which rows a query has: files are read in order, some ahead, and rows are there as they are
 * found.
 */

import { placesOfClass, placesOfImages, placesOfWords } from "../data/places.js"
import {
  columnsOf,
  isEverything,
  matcherOf,
  needsMentions,
  sortKey,
  summarise,
  wordsOf,
} from "./query.js"

const FILES_AHEAD = 4
/** Milliseconds for which the page is not drawn. */
const DRAWING_GAP = 30
const MENTION_COLUMNS = ["name", "box_index", "points", "points_inside"]

/** Rows of a table, in the order of the list. */
export class Result {
  #rows = null
  #count

  /** @param {import("./query.js").Query} query @param {number} count Rows of the table. */
  constructor(query, count) {
    this.query = query
    this.isComplete = isEverything(query)
    this.scanned = this.isComplete ? count : 0
    this.total = count
    this.#count = this.isComplete ? count : 0
    if (!this.isComplete) this.#rows = new Uint32Array(1024)
  }

  /** How many rows there are so far. */
  get count() {
    return this.#count
  }

  /** The row's number in its table. @param {number} at */
  rowAt(at) {
    return this.#rows ? this.#rows[at] : at
  }

  /** Where a row is; -1 where it is not in here. @param {number} row */
  indexOf(row) {
    if (!this.#rows) return row < this.#count ? row : -1
    return this.#rows.subarray(0, this.#count).indexOf(row)
  }

  /** @param {number} row */
  push(row) {
    if (this.#count === this.#rows.length) {
      const longer = new Uint32Array(2 * this.#count)
      longer.set(this.#rows)
      this.#rows = longer
    }
    this.#rows[this.#count] = row
    this.#count += 1
  }

  /** Puts the rows in order of their keys; those without one last, equal ones as they are. */
  sort(keys, descending) {
    const order = keys.map((_, at) => at)
    order.sort((a, b) => compare(keys[a], keys[b], descending) || a - b)
    this.#rows = Uint32Array.from(order, (at) => this.#rows[at])
  }
}

function compare(a, b, descending) {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  if (a === b) return 0
  return a < b === descending ? 1 : -1
}

/**
 * Fills a result.
 *
 * @param {import("../data/version.js").Version} version
 * @param {Result} result
 * @param {() => void} onProgress Called after every file.
 * @param {AbortSignal} signal Ends it.
 */
export async function scan(version, result, onProgress, signal) {
  if (result.isComplete) return
  const { places, query } = await lookUp(version, result.query)
  if (signal.aborted) return
  const matches = matcherOf(query)
  const keys = query.sort === "file" ? null : []
  for await (const { file, columns, mentions } of ahead(version, query, places, signal)) {
    const rows = places?.get(file.path)
    const count = columns ? (rows?.length ?? file.rows) : 0
    for (let number = 0; number < count; number += 1) {
      const at = rows ? rows[number] : number
      const own = mentions ? mentions.get(columns[version.mentionKey][at]) : null
      if (!matches(columns, at, own)) continue
      result.push(file.first + at)
      keys?.push(sortKey(query, columns, at, own))
    }
    result.scanned = file.first + file.rows
    onProgress()
  }
  if (signal.aborted) return
  if (keys) result.sort(keys, query.descending)
  result.scanned = result.total
  result.isComplete = true
  onProgress()
}

/**
 * Where rows can be by the indexes, null where they do not tell; and the query without what these
 * have answered in full.
 */
async function lookUp(version, query) {
  const places = await placesOf(version, query)
  const isAnswered = places && !(query.field === "word" && wordsOf(query.text).length > 1)
  return { places, query: isAnswered ? { ...query, text: "" } : query }
}

async function placesOf(version, { table, field, text }) {
  if (table !== "narratives" || !text.trim()) return null
  if (field === "class") return placesOfClass(version, text.trim())
  if (field === "image_id") return placesOfImages(version, text.trim())
  const words = field === "word" ? wordsOf(text) : []
  return words.length ? placesOfWords(version, words) : null
}

async function* ahead(version, query, places, signal) {
  const files = version.filesOf(query.table).filter(({ path }) => !places || places.has(path))
  const reading = []
  let drawn = performance.now()
  for (let next = 0; reading.length || next < files.length;) {
    while (reading.length < FILES_AHEAD && next < files.length) {
      const promise = readFile(version, query, files[next])
      promise.catch(() => {}) // it is reported when its turn comes
      reading.push(promise)
      next += 1
    }
    const read = await reading.shift()
    if (signal.aborted) return
    yield read
    if (performance.now() - drawn < DRAWING_GAP) continue
    await new Promise((resume) => setTimeout(resume)) // lets the page draw
    drawn = performance.now()
  }
}

async function readFile(version, query, file) {
  if (await canSkip(query, file)) return { file, columns: null, mentions: null }
  const isByMentions = needsMentions(query)
  const besides = isByMentions ? version.besides(file, "mentions") : null
  const key = version.mentionKey
  const names = isByMentions ? [...columnsOf(query), key] : columnsOf(query)
  const [columns, mentions] = await Promise.all([
    version.readColumns(file, names),
    besides && version.readColumns(besides, [key, ...MENTION_COLUMNS]),
  ])
  const found = mentions ? summarise(mentions, key) : isByMentions && new Map()
  return { file, columns, mentions: found }
}

/** Whether the statistics of a file say that it has no row of the query. */
async function canSkip(query, { parquet }) {
  if (!parquet) return false
  for (const [column, low, high] of boundsOf(query)) {
    if (!(await parquet.mayHold(column, low, high))) return true
  }
  return false
}

function* boundsOf({ dataset, split, field, text, minDistance, maxDistance }) {
  if (dataset) yield ["dataset", dataset, dataset]
  if (split) yield ["split", split, split]
  if (minDistance !== null || maxDistance !== null) {
    yield ["distance", minDistance ?? -Infinity, maxDistance ?? Infinity]
  }
  const wanted = text.trim()
  if (wanted && ["image_id", "narrative_id"].includes(field)) {
    yield [field, wanted, `${wanted}\u{10FFFF}`]
  }
}
