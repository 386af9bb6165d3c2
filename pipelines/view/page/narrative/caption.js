/** The caption, word by word. */

import { element } from "../base/dom.js"

/** A caption whose words light up; one of them is in the tab order, arrows go on from it. */
export class Caption {
  #current = -1

  /**
   * @param {object} record A row of `narratives` or `discarded`.
   * @param {object[]} mentions Its rows of `mentions`.
   * @param {{ onPoint: (word: number | null) => void, onChoose: (word: number) => void }} actions
   *   Pointing is hovering or focus, choosing a click or the Enter key.
   */
  constructor(record, mentions, { onPoint, onChoose }) {
    this.words = record.words ?? []
    this.buttons = this.words.map((word, at) =>
      element(
        "button",
        {
          type: "button",
          class: wordClass(at, word, mentions),
          tabindex: at === 0 ? 0 : -1,
          "data-word": at,
          onmouseenter: () => onPoint(at),
          onmouseleave: () => onPoint(null),
          onfocus: () => onPoint(at),
          onblur: () => onPoint(null),
          onclick: () => onChoose(at),
          onkeydown: (event) => this.#move(event, at),
        },
        word.text,
      ),
    )
    this.root = element("div", {
      class: "caption",
      role: "group",
      "aria-label": "Caption, by words",
    })
    this.root.append(...this.#parts(Array.from(record.caption)))
  }

  /**
   * Words and what is between: offsets count characters, not the halves of JavaScript's
   * strings.
   */
  #parts(characters) {
    const parts = []
    let at = 0
    this.words.forEach(({ char_start: start, char_end: end }, word) => {
      parts.push(characters.slice(at, start).join(""), this.buttons[word])
      at = end
    })
    return [...parts, characters.slice(at).join("")]
  }

  #move(event, at) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const next = this.buttons[at + step]
    if (step) event.stopPropagation()
    if (!next) return
    event.preventDefault()
    this.buttons[at].tabIndex = -1
    next.tabIndex = 0
    next.focus()
  }

  /**
   * Lights the words up that are spoken at a time, and marks those that are still to come.
   *
   * @param {number} time Seconds.
   * @param {boolean} isPlaying Whether any word is lit: none is once the end is reached.
   */
  light(time, isPlaying) {
    this.words.forEach(({ start_time: start, end_time: end }, at) => {
      const isNow = isPlaying && start !== null && start <= time && time <= end
      this.buttons[at].classList.toggle("is-spoken", isNow)
      this.buttons[at].classList.toggle("is-ahead", start !== null && start > time)
    })
  }

  /** Marks a range of words. @param {number} first @param {number} end */
  mark(first, end) {
    this.buttons.forEach((button, at) => {
      button.classList.toggle("is-marked", at >= first && at < end)
    })
  }
}

function wordClass(at, word, mentions) {
  const isMention = mentions.some((one) => one.first_word <= at && at < one.end_word)
  const isEmpty = word.end_point <= word.first_point
  return ["word", isMention && "is-mention", isEmpty && "is-untraced"].filter(Boolean).join(" ")
}
