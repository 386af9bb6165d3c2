/** The drawing: image, trace up to a time, boxes, and what is pointed at. */

import { svg } from "../../base/dom.js"
import { boundsOf, colourOf, cutTrace, runsOf } from "./trace.js"

/** Height of the image in the drawing's own units; widths follow from the aspect. */
const HEIGHT = 1000

/** A drawing of one narrative. */
export class Drawing {
  /**
   * @param {object} record A row of `narratives` or `discarded`.
   * @param {[number, number]} span Seconds.
   */
  constructor(record, span) {
    this.record = record
    this.segmentStarts = record.segment_starts ?? []
    this.pieces = record.trace ? cutTrace(record.trace, this.segmentStarts, span) : []
    this.layers = {
      frame: svg("g"),
      boxes: svg("g", { class: "boxes" }),
      trace: svg("g", { class: "trace" }),
      marked: svg("g", { class: "marked" }),
      pointer: svg("g", { class: "pointer" }),
    }
    this.root = svg("svg", { role: "img", class: "drawing" }, ...Object.values(this.layers))
    this.time = span[1]
    this.marks = { boxes: [], segment: null }
  }

  /**
   * Draws all again, with an image or none.
   *
   * @param {number} aspect Width over height.
   * @param {string | null} address
   */
  frame(aspect, address) {
    this.width = HEIGHT * aspect
    const { left, right, top, bottom } = boundsOf(this.record.trace)
    const [width, height] = [(right - left) * this.width, (bottom - top) * HEIGHT]
    this.root.setAttribute("viewBox", `${left * this.width} ${top * HEIGHT} ${width} ${height}`)
    this.root.style.aspectRatio = `${width} / ${height}`
    this.root.dataset.aspect = aspect.toFixed(4)
    const place = { x: 0, y: 0, width: this.width, height: HEIGHT }
    const image = { href: address, preserveAspectRatio: "none", ...place }
    this.layers.frame.replaceChildren(
      svg("rect", { class: "ground", ...place }),
      ...(address ? [svg("image", image)] : []),
    )
    this.#drawPieces()
    this.show(this.time)
    this.mark(this.marks)
  }

  #drawPieces() {
    this.lines = this.pieces.map(({ share }) =>
      svg("polyline", { class: "piece", stroke: colourOf(share) }),
    )
    this.layers.trace.replaceChildren(...this.lines)
    this.cut = this.pieces.map(() => -1)
  }

  /** Draws the trace as it was at a time. @param {number} time Seconds. */
  show(time) {
    this.time = time
    const t = this.record.trace?.t ?? []
    let last = -1
    this.pieces.forEach(({ points }, at) => {
      const drawn = points.filter((point) => t[point] <= time)
      if (drawn.length) last = drawn.at(-1)
      if (this.cut[at] === drawn.length) return
      this.cut[at] = drawn.length
      this.lines[at].setAttribute("points", this.#pointsOf(drawn))
    })
    this.root.dataset.points = String(last + 1)
    const place = last < 0 ? null : this.#place(last)
    this.layers.pointer.replaceChildren(
      ...(place ? [svg("circle", { cx: place[0], cy: place[1], r: 11 })] : []),
    )
  }

  #place(point) {
    const { x, y } = this.record.trace
    return [x[point] * this.width, y[point] * HEIGHT]
  }

  #pointsOf(points) {
    return points
      .map((point) =>
        this.#place(point)
          .map((part) => part.toFixed(1))
          .join(","),
      )
      .join(" ")
  }

  /**
   * Shows a segment and boxes, in place of those before.
   *
   * @param {object} marks
   * @param {{ first_point: number, end_point: number } | null} marks.segment
   * @param {{ box: object, kind: string, name: string | null }[]} marks.boxes `kind` is `word`,
   *   `closest`, `class` or `other`.
   */
  mark(marks) {
    this.marks = marks
    const runs = marks.segment
      ? runsOf(marks.segment.first_point, marks.segment.end_point, this.segmentStarts)
      : []
    const lines = runs.flatMap((run) => [
      svg("polyline", { class: "segment-halo", points: this.#pointsOf(run) }),
      svg("polyline", { class: "segment", points: this.#pointsOf(run) }),
    ])
    this.layers.marked.replaceChildren(...lines)
    this.layers.boxes.replaceChildren(...marks.boxes.flatMap((mark) => this.#box(mark)))
    this.root.classList.toggle("is-marked", marks.segment !== null)
  }

  #box({ box, kind, name }) {
    const [x, y] = [box.x_min * this.width, box.y_min * HEIGHT]
    const [width, height] = [(box.x_max - box.x_min) * this.width, (box.y_max - box.y_min) * HEIGHT]
    const place = { x, y, width: Math.max(width, 0), height: Math.max(height, 0) }
    return [
      svg("rect", { class: "box-halo", ...place }),
      svg("rect", { class: `box ${kind}`, "data-name": name, ...place }),
      ...(name ? [svg("text", { x: x + 8, y: Math.max(y + 34, 34) }, name)] : []),
    ]
  }

  /** Says in words what is drawn, for those who do not see it. @param {string} text */
  describe(text) {
    this.root.setAttribute("aria-label", text)
  }
}
