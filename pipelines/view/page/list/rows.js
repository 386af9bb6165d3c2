/** The list: only the rows that are in sight are read and drawn, however many there are. */

import { element } from "../base/dom.js"
import { integer, known, plural, seconds } from "../base/formats.js"
import { hashOf } from "../base/link.js"

/** Height of a row, in CSS pixels; view.css has it too. */
const ROW = 68
/** Browsers do not draw elements of more than some ten million pixels. */
const GREATEST_HEIGHT = 8_000_000
const MORE_ROWS = 4

const OF_NARRATIVES = [
  "narrative_id",
  "image_id",
  "dataset",
  "split",
  "caption",
  "shard",
  "byte_offset",
  "distance",
  "narration_seconds",
]

const COLUMNS = {
  narratives: [...OF_NARRATIVES, "flags"],
  discarded: [...OF_NARRATIVES, "reasons"],
  rejected: ["shard", "byte_offset", "code", "message"],
}

/** A list in a scrolling element. */
export class RowList {
  #result = null
  #open = -1
  #drawn = 0

  /**
   * @param {HTMLElement} scroller
   * @param {import("../data/version.js").Version} version
   * @param {(error: Error) => void} onError
   */
  constructor(scroller, version, onError) {
    this.scroller = scroller
    this.version = version
    this.onError = onError
    this.list = element("ol", { class: "rows" })
    scroller.replaceChildren(this.list)
    scroller.addEventListener("scroll", () => this.draw())
    new ResizeObserver(() => this.draw()).observe(scroller)
  }

  /**
   * @param {import("./scan.js").Result} result
   * @param {number} index Of the row that is open; -1 where it is not in the result.
   */
  show(result, index) {
    if (this.#result !== result) {
      this.scroller.scrollTop = 0
      this.scroller.setAttribute("aria-busy", "true")
    }
    this.#result = result
    this.mark(index)
  }

  /** Marks the row that is open, and scrolls to it. @param {number} index Of the result, or -1. */
  mark(index) {
    const isOther = index !== this.#open
    this.#open = index
    if (index >= 0 && isOther) this.#reveal(index)
    this.draw()
  }

  #reveal(index) {
    const { first, shown } = this.#window()
    if (index >= first && index < first + shown - 1) return
    const target = Math.max(0, index - Math.floor(shown / 2))
    this.scroller.scrollTop = target * this.#scale()
  }

  /** CSS pixels of scrolling a row. */
  #scale() {
    const { count } = this.#result
    const height = Math.min(count * ROW, GREATEST_HEIGHT)
    if (height === count * ROW) return ROW
    const shown = Math.floor(this.scroller.clientHeight / ROW)
    return (height - this.scroller.clientHeight) / Math.max(1, count - shown)
  }

  #window() {
    const shown = Math.ceil(this.scroller.clientHeight / ROW) + 1
    const first = Math.floor(this.scroller.scrollTop / this.#scale())
    return { first: Math.max(0, Math.min(first, this.#result.count - 1)), shown }
  }

  /** Draws what is in sight. */
  async draw() {
    if (!this.#result) return
    this.#drawn += 1
    const [drawing, result] = [this.#drawn, this.#result]
    this.list.style.height = `${Math.min(result.count * ROW, GREATEST_HEIGHT)}px`
    const { first, shown } = this.#window()
    const from = Math.max(0, first - MORE_ROWS)
    const to = Math.min(result.count, first + shown + MORE_ROWS)
    const rows = Array.from({ length: Math.max(0, to - from) }, (_, at) => result.rowAt(from + at))
    try {
      const records = await readRows(this.version, result.query.table, rows)
      if (drawing !== this.#drawn) return
      const scale = this.#scale()
      const isPlain = scale === ROW
      const top = (at) =>
        isPlain ? (from + at) * ROW : this.scroller.scrollTop + (from + at - first) * ROW
      this.list.replaceChildren(
        ...records.map((record, at) => this.#row(record, from + at, top(at))),
      )
      this.scroller.setAttribute("aria-busy", String(!result.isComplete))
    } catch (error) {
      this.onError(error)
    }
  }

  #row(record, index, top) {
    const { table } = this.#result.query
    const link = element(
      "a",
      { href: hashOf({ table, ...record }), "aria-current": index === this.#open ? "true" : null },
      ...(table === "rejected" ? rejectedParts(record) : narrativeParts(record)),
    )
    const style = `transform: translateY(${top}px)`
    const place = { "aria-setsize": this.#result.count, "aria-posinset": index + 1 }
    return element("li", { style, "data-index": index, ...place }, link)
  }
}

async function readRows(version, table, rows) {
  return Promise.all(
    rows.map(async (row) => {
      const file = version.fileAt(table, row)
      const columns = await version.readColumns(file, COLUMNS[table])
      return Object.fromEntries(
        Object.entries(columns).map(([name, values]) => [name, values?.[row - file.first] ?? null]),
      )
    }),
  )
}

function narrativeParts(record) {
  const odd = record.flags ?? record.reasons ?? []
  const facts = [
    `${known(record.dataset)} ${known(record.split)}`,
    seconds(record.narration_seconds),
    record.distance === null ? "no D" : `D ${integer(record.distance)}`,
    ...(odd.length ? [plural(odd.length, record.flags ? "flag" : "reason")] : []),
  ]
  return [
    element("span", { class: "id" }, record.image_id),
    element("span", { class: "beginning" }, record.caption.slice(0, 200) || "(no caption)"),
    element("span", { class: "facts" }, facts.join(" · ")),
  ]
}

function rejectedParts(record) {
  return [
    element("span", { class: "id" }, `${record.shard}, byte ${integer(record.byte_offset)}`),
    element("span", { class: "beginning" }, record.message),
    element("span", { class: "facts" }, record.code),
  ]
}
