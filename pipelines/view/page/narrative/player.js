/** Play, pause, scrub, speed and sound. */

import { element } from "../base/dom.js"
import { Clock } from "./clock.js"

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8]

/** Controls of a clock. */
export class Player {
  /**
   * @param {[number, number]} span Seconds.
   * @param {(clock: Clock) => void} onTick
   * @param {import("./recording.js").Recording | null} recording
   */
  constructor([start, end], onTick, recording) {
    this.recording = recording
    this.clock = new Clock(start, end, () => this.#tick(onTick))
    this.button = element("button", {
      type: "button",
      class: "play",
      onclick: () => this.clock.toggle(),
    })
    this.slider = element("input", {
      type: "range",
      min: start,
      max: end,
      step: 0.01,
      "aria-label": "Time",
      oninput: () => this.clock.seek(Number(this.slider.value)),
    })
    this.shown = element("output", { class: "time" })
    this.root = element(
      "div",
      { class: "player" },
      this.button,
      this.slider,
      this.shown,
      this.#speeds(),
      recording && recording.root,
    )
    this.#tick(() => {})
  }

  #speeds() {
    const options = SPEEDS.map((speed) =>
      element("option", { value: speed, selected: speed === 1 }, `${speed}×`),
    )
    const choose = (event) => {
      this.clock.speed = Number(event.target.value)
    }
    return element("select", { "aria-label": "Speed", onchange: choose }, ...options)
  }

  #tick(onTick) {
    const { time, end, isPlaying } = this.clock
    this.button.textContent = isPlaying ? "Pause" : "Play"
    this.slider.value = time
    this.slider.setAttribute("aria-valuetext", `${time.toFixed(1)} of ${end.toFixed(1)} seconds`)
    this.shown.textContent = `${time.toFixed(1)} / ${end.toFixed(1)} s`
    this.recording?.follow(this.clock)
    onTick(this.clock)
  }
}
