/** The time of a narrative: runs, stops, is set. */

/** A clock over the seconds from `start` to `end`; at its end when it is made. */
export class Clock {
  #frame = 0
  #last = 0

  /**
   * @param {number} start Seconds since the recording's start.
   * @param {number} end Seconds.
   * @param {(clock: Clock) => void} onTick Called whenever time, speed or state changes.
   */
  constructor(start, end, onTick) {
    this.start = start
    this.end = Math.max(start, end)
    this.time = this.end
    this.speed = 1
    this.isPlaying = false
    this.onTick = onTick
  }

  /** Starts or stops; from the beginning where the end is reached. */
  toggle() {
    if (this.isPlaying) return this.pause()
    if (this.time >= this.end) this.time = this.start
    this.isPlaying = true
    this.#last = performance.now()
    this.#frame = requestAnimationFrame((now) => this.#advance(now))
    this.onTick(this)
  }

  pause() {
    cancelAnimationFrame(this.#frame)
    this.isPlaying = false
    this.onTick(this)
  }

  /** @param {number} time Seconds. */
  seek(time) {
    this.time = Math.min(this.end, Math.max(this.start, time))
    this.onTick(this)
  }

  #advance(now) {
    this.time = Math.min(this.end, this.time + (Math.max(0, now - this.#last) / 1000) * this.speed)
    this.#last = now
    if (this.time >= this.end) return this.pause()
    this.#frame = requestAnimationFrame((next) => this.#advance(next))
    this.onTick(this)
  }
}

/**
 * The time that a narrative takes: of its trace and its words.
 *
 * @param {{ trace: { t: number[] } | null, words: { start_time: number | null,
 *   end_time: number | null }[] | null }} record
 * @returns {[number, number]} Seconds; twice 0 where there are neither.
 */
export function spanOf({ trace, words }) {
  const spoken = (words ?? []).flatMap((word) => [word.start_time, word.end_time])
  const times = [...(trace?.t ?? []), ...spoken].filter((time) => time !== null)
  if (!times.length) return [0, 0]
  return [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))]
}
