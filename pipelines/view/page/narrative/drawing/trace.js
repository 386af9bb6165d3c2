/** The trace as lines: pure functions over its points. */

/** Lines into which a trace is cut, each of one colour. */
const PIECES = 48

/**
 * @typedef {object} Piece
 * @property {number[]} points Numbers of its points, of one recorded segment; the first one is the
 *   last of the piece before, where no gap is between.
 * @property {number} share How far its middle is in the narrative's time, 0 to 1.
 */

/**
 * Cuts a trace at the gaps between segments, and into pieces of about equal time.
 *
 * @param {{ t: number[] }} trace Seconds.
 * @param {number[]} segmentStarts First point of each segment.
 * @param {[number, number]} span Seconds.
 * @returns {Piece[]}
 */
export function cutTrace({ t }, segmentStarts, [start, end]) {
  const gaps = new Set(segmentStarts)
  const length = Math.max(end - start, 1e-9)
  const pieces = []
  let at = -1
  for (let point = 0; point < t.length; point += 1) {
    const share = Math.min(1, Math.max(0, (t[point] - start) / length))
    const slot = Math.min(PIECES - 1, Math.floor(share * PIECES))
    const isGap = point === 0 || gaps.has(point)
    if (isGap || slot !== at) {
      pieces.push({ points: isGap ? [] : [point - 1], share: (slot + 0.5) / PIECES })
      at = slot
    }
    pieces.at(-1).points.push(point)
  }
  return pieces
}

/**
 * Runs of a half-open range of points between gaps.
 *
 * @param {number} first
 * @param {number} end
 * @param {number[]} segmentStarts
 * @returns {number[][]}
 */
export function runsOf(first, end, segmentStarts) {
  const gaps = new Set(segmentStarts)
  const runs = []
  for (let point = first; point < end; point += 1) {
    if (point === first || gaps.has(point)) runs.push([])
    runs.at(-1).push(point)
  }
  return runs
}

/**
 * What the drawing shows, in normalised coordinates: the image, and the trace around it, which
 * goes beyond by design, up to half an image.
 *
 * @param {{ x: number[], y: number[] } | null} trace
 */
export function boundsOf(trace) {
  const range = (values) => [
    Math.max(-0.5, values.reduce((a, b) => Math.min(a, b), 0) - 0.02),
    Math.min(1.5, values.reduce((a, b) => Math.max(a, b), 1) + 0.02),
  ]
  const [left, right] = range(trace?.x ?? [])
  const [top, bottom] = range(trace?.y ?? [])
  return { left, right, top, bottom }
}

/**
 * The colour of a share of the time: violet to yellow, seen by the colour-blind.
 *
 * @param {number} share
 */
export function colourOf(share) {
  const stops = [
    [72, 33, 140],
    [62, 73, 190],
    [33, 126, 190],
    [25, 160, 140],
    [110, 185, 70],
    [240, 190, 30],
  ]
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1)
  const at = Math.min(stops.length - 2, Math.floor(place))
  const mixed = stops[at].map((value, part) => value + (stops[at + 1][part] - value) * (place - at))
  return `rgb(${mixed.map(Math.round).join(" ")})`
}
