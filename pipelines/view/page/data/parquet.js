/** Rows and columns of Parquet files, as far as they are needed. */

import { PrefetchedFile } from "./bytes.js"
import { decompressZstd, parquetMetadataAsync, parquetReadObjects } from "../vendor/readers.min.js"

const FOOTER_BYTES = 1 << 15
/** Columns up to this size are read in full, larger ones by the pages that hold a row. */
const SMALL_BYTES = 1 << 16
/** Values of columns that are kept: 600,000 are the list's columns of 60,000 narratives. */
const KEPT_VALUES = 600_000

const compressors = { ZSTD: (input, length) => decompressZstd(input, new Uint8Array(length)) }

/** A Parquet file of a version. */
export class ParquetFile {
  #footer = null
  #columns = new Map()

  /**
   * @param {import("./bytes.js").RangeFile} file
   * @param {number} rows Of the manifest.
   * @param {ColumnBudget} budget Shared by all files.
   */
  constructor(file, rows, budget) {
    this.file = file
    this.rows = rows
    this.budget = budget
  }

  /** The footer, read once. */
  metadata() {
    this.#footer ??= parquetMetadataAsync(this.file, { initialFetchSize: FOOTER_BYTES }).catch(
      (error) => {
        this.#footer = null
        throw error
      },
    )
    return this.#footer
  }

  /**
   * Whole columns, in one request or few: the list's stand beside each other in the file.
   *
   * @param {string[]} names Those that the file does not have are left out.
   * @returns {Promise<Record<string, unknown[]>>} An array of `rows` values for each.
   */
  async readColumns(names) {
    const missing = names.filter((name) => !this.#columns.has(name))
    if (missing.length) this.#keep(missing)
    const values = await Promise.all(names.map((name) => this.#columns.get(name)))
    return Object.fromEntries(names.map((name, at) => [name, values[at]]))
  }

  /** Reads columns once, however many ask for them meanwhile. */
  #keep(names) {
    const reading = this.#read({ columns: names })
    for (const name of names) {
      const column = reading.then((rows) => this.#columnOf(rows, name))
      column.catch(() => this.#columns.delete(name)) // whoever waits hears of it; others ask again
      this.#columns.set(name, column)
    }
    this.budget.add(this, names.length * this.rows)
  }

  async #columnOf(rows, name) {
    const [present] = await this.#present([name])
    return present && rows.map((row) => plain(row[name]))
  }

  /**
   * Rows in full, or some columns of them; of large files only the pages that hold them.
   *
   * @param {number} start
   * @param {number} end
   * @param {string[]} [columns]
   * @returns {Promise<Record<string, unknown>[]>}
   */
  async readRows(start, end, columns) {
    const file = new PrefetchedFile(this.file, await this.#smallRanges(start, end, columns))
    const bounds = { rowStart: start, rowEnd: end, useOffsetIndex: true }
    const rows = await this.#read({ file, columns, ...bounds })
    return rows.map(plain)
  }

  /** Where small columns, and the page indexes of all, are: else each would be a request. */
  async #smallRanges(start, end, columns) {
    const ranges = []
    let first = 0
    for (const group of (await this.metadata()).row_groups) {
      const next = first + Number(group.num_rows)
      if (first < end && start < next) ranges.push(...smallRangesOf(group, columns))
      first = next
    }
    return ranges
  }

  async #read(options) {
    const metadata = await this.metadata()
    const columns = options.columns && (await this.#present(options.columns))
    if (columns && !columns.length) return []
    return parquetReadObjects({ file: this.file, metadata, compressors, ...options, columns })
  }

  async #present(names) {
    const [root, ...others] = (await this.metadata()).schema
    const found = new Set([root, ...others].map((entry) => entry.name))
    return names.filter((name) => found.has(name))
  }

  /** Lets the columns go that were kept. */
  forget() {
    this.#columns.clear()
  }

  /**
   * Whether statistics leave it open that the file has a value between `low` and `high`.
   *
   * @param {string} column
   * @param {string | number} low
   * @param {string | number} high
   */
  async mayHold(column, low, high) {
    const { row_groups: groups } = await this.metadata()
    return groups.some((group) => mayGroupHold(group, column, low, high))
  }

  /**
   * The rows of a table sorted by a column in which it is between `low` and `high`: of the groups
   * that may have them the column, and then the pages of the others that do.
   *
   * @param {string} column
   * @param {string} low
   * @param {string} high
   * @returns {Promise<Record<string, unknown>[]>}
   */
  async findRows(column, low, high) {
    const found = []
    let first = 0
    for (const group of (await this.metadata()).row_groups) {
      const next = first + Number(group.num_rows)
      if (mayGroupHold(group, column, low, high)) {
        const keys = await this.#read({ columns: [column], rowStart: first, rowEnd: next })
        const isFound = ({ [column]: key }) => key >= low && key <= high
        const [start, last] = [keys.findIndex(isFound), keys.findLastIndex(isFound)]
        if (start >= 0) found.push(await this.readRows(first + start, first + last + 1))
      }
      first = next
    }
    return found.flat()
  }
}

function mayGroupHold(group, column, low, high) {
  const chunk = group.columns.find((one) => one.meta_data.path_in_schema.join(".") === column)
  const { min_value: least, max_value: greatest } = chunk?.meta_data.statistics ?? {}
  if (least === undefined || greatest === undefined) return true
  return plain(least) <= high && plain(greatest) >= low
}

function smallRangesOf(group, columns) {
  const wanted = group.columns.filter(
    ({ meta_data: held }) => !columns || columns.includes(held.path_in_schema[0]),
  )
  return wanted.flatMap(({ meta_data: held, ...chunk }) => {
    const start = Number(held.dictionary_page_offset || held.data_page_offset)
    const bytes = Number(held.total_compressed_size)
    const index = Number(chunk.offset_index_offset ?? 0)
    const ranges = index ? [[index, index + Number(chunk.offset_index_length)]] : []
    return bytes <= SMALL_BYTES ? [...ranges, [start, start + bytes]] : ranges
  })
}

/** What is kept of all files: the columns of the files that were read longest ago go first. */
export class ColumnBudget {
  #files = new Map()
  #total = 0

  /** @param {ParquetFile} file @param {number} values */
  add(file, values) {
    const own = (this.#files.get(file) ?? 0) + values
    this.#files.delete(file)
    this.#files.set(file, own)
    this.#total += values
    for (const [other, held] of this.#files) {
      if (this.#total <= KEPT_VALUES || other === file) break
      other.forget()
      this.#files.delete(other)
      this.#total -= held
    }
  }
}

/** A value without 64-bit integers, which are below 2^53 in all tables, and without `undefined`. */
function plain(value) {
  if (typeof value === "bigint") return Number(value)
  if (value === undefined) return null
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, plain(held)]))
}
