/** The voice that speaks a narrative: it follows the clock. */

import { element } from "../base/dom.js"

/** Where recordings are, as the page of Localized Narratives says. */
const BUCKET = "https://storage.googleapis.com/localized-narratives/voice-recordings/"

/** By how much the voice may be elsewhere than the clock before it is set. */
const DRIFT_SECONDS = 0.25

/**
 * The address of a narrative's recording; null where it has none.
 *
 * @param {{ dataset: string | null, voice_recording: string | null }} record
 * @returns {string | null}
 */
export function recordingOf({ dataset, voice_recording: path }) {
  if (!path || dataset === "generated") return null
  return BUCKET + path.split("/").map(encodeURIComponent).join("/")
}

/** A recording that is asked for when the clock first runs, and a button for its sound. */
export class Recording {
  #isOn = true
  #isMissing = false

  /** @param {string} address */
  constructor(address) {
    this.audio = element("audio", { preload: "none", src: address, onerror: () => this.#miss() })
    this.button = element(
      "button",
      { type: "button", class: "sound", "aria-pressed": "true", onclick: () => this.#toggle() },
      "Sound",
    )
    this.root = element("span", {}, this.button, this.audio)
  }

  /** Is where the clock is. @param {import("./clock.js").Clock} clock */
  follow({ time, speed, isPlaying }) {
    const { audio } = this
    const isOver = time >= audio.duration // false where it is not known yet
    if (!isPlaying || !this.#isOn || this.#isMissing || isOver) return audio.pause()
    audio.playbackRate = speed
    const isLoaded = audio.paused || (!audio.seeking && audio.readyState >= audio.HAVE_CURRENT_DATA)
    if (isLoaded && Math.abs(audio.currentTime - time) > DRIFT_SECONDS) audio.currentTime = time
    if (audio.paused) audio.play().catch(() => {}) // `onerror` says why
  }

  #toggle() {
    this.#isOn = !this.#isOn
    this.button.setAttribute("aria-pressed", String(this.#isOn))
    if (!this.#isOn) this.audio.pause()
  }

  #miss() {
    this.#isMissing = true
    this.button.disabled = true
    this.button.textContent = "The recording cannot be had"
  }
}
