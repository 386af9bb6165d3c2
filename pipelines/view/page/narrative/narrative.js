/** A narrative in full: drawing, player, caption, mentions, and what is known of it. */

import { element } from "../base/dom.js"
import { coordinate, plural } from "../base/formats.js"
import { hashOf } from "../base/link.js"
import { Caption } from "./caption.js"
import { spanOf } from "./clock.js"
import { Drawing } from "./drawing/drawing.js"
import { describeMention, flagList, labelList, originList } from "./facts.js"
import { USUAL_ASPECT, addressesOf, loadPicture } from "./drawing/picture.js"
import { Player } from "./player.js"
import { Recording, recordingOf } from "./recording.js"
import { snippetsOf } from "./snippets.js"

/** The view of one row of `narratives` or `discarded`. */
export class NarrativeView {
  #mention = null

  /**
   * @param {{ table: string, path: string, record: object, mentions: object[] }} opened
   * @param {string | null} images Address of local images.
   */
  constructor(opened, images) {
    this.opened = opened
    const { record, mentions } = opened
    const span = spanOf(record)
    this.drawing = new Drawing(record, span)
    this.caption = new Caption(record, mentions, {
      onPoint: (word) => this.#point(word),
      onChoose: (word) => this.#choose(word),
    })
    const spoken = recordingOf(record)
    const recording = spoken && new Recording(spoken)
    this.player = new Player(span, (clock) => this.#tick(clock), recording)
    this.said = element("p", { class: "said", "aria-live": "polite" })
    this.note = element("p", { class: "quiet note" })
    this.allBoxes = element("input", {
      type: "checkbox",
      id: "all-boxes",
      onchange: () => this.#mark(),
    })
    this.mentions = mentions.map((mention, at) => this.#mentionButton(mention, at))
    this.root = this.#layout()
    this.#describe()
    this.drawing.frame(USUAL_ASPECT, null)
    this.#loadPicture(images)
    this.#say("")
  }

  /** Stops what runs. */
  close() {
    this.player.clock.pause()
  }

  #layout() {
    const { opened } = this
    const { record } = opened
    const isGenerated = record.dataset === "generated"
    const odd = record.reasons ? [section("Reasons to discard", flagList(record.reasons))] : []
    const joined = record.labels === undefined ? [] : [section("Labels", labelList(record.labels))]
    return element(
      "article",
      { class: "narrative" },
      element("h2", { tabindex: -1 }, record.image_id),
      isGenerated && element("p", { class: "generated" }, "Generated, not spoken by a person."),
      element(
        "div",
        { class: "stage" },
        element("figure", {}, this.drawing.root, this.player.root, this.note),
        element("div", { class: "speech" }, this.caption.root, this.said, ...this.#mentionParts()),
      ),
      element(
        "div",
        { class: "columns" },
        ...odd,
        section("Flags", flagList(record.flags ?? [])),
        ...joined,
        section("Origin", originList(record)),
        section("Read it again", ...codeParts(opened)),
      ),
    )
  }

  #mentionParts() {
    const boxes = this.opened.record.boxes ?? []
    const toggle = element(
      "label",
      { class: "toggle", for: "all-boxes" },
      this.allBoxes,
      ` Show ${plural(boxes.length, "box").replace("boxs", "boxes")} of the image`,
    )
    const list = this.mentions.length
      ? element("ul", { class: "mentions" }, ...this.mentions.map((one) => element("li", {}, one)))
      : element("p", { class: "quiet" }, "No class is mentioned.")
    return [element("h3", {}, "Mentions"), list, ...(boxes.length ? [toggle] : [])]
  }

  #mentionButton(mention, at) {
    const { text, name, start_time: start } = mention
    const time = start === null ? "" : `, ${start.toFixed(1)} s`
    return element(
      "button",
      {
        type: "button",
        "aria-pressed": "false",
        "data-mention": at,
        onclick: () => this.#toggle(at),
      },
      text,
      element("span", { class: "quiet" }, ` ${name}${time}`),
    )
  }

  #tick({ time, end, isPlaying }) {
    this.drawing.show(time)
    this.caption.light(time, isPlaying || time < end)
  }

  #toggle(at) {
    this.#mention = this.#mention === at ? null : at
    const mention = this.opened.mentions[this.#mention]
    this.mentions.forEach((button, own) => {
      button.setAttribute("aria-pressed", String(own === this.#mention))
    })
    this.caption.mark(mention?.first_word ?? 0, mention?.end_word ?? 0)
    this.#say(mention ? `${mention.text}: ${describeMention(mention)}.` : "")
    this.#mark()
  }

  #choose(word) {
    const { start_time: start } = this.opened.record.words[word]
    const at = this.opened.mentions.findIndex(
      (mention) => mention.first_word <= word && word < mention.end_word,
    )
    if (at >= 0 && at !== this.#mention) this.#toggle(at)
    if (start !== null) this.player.clock.seek(start)
  }

  #point(word) {
    if (word === null) {
      const mention = this.opened.mentions[this.#mention]
      this.#say(mention ? `${mention.text}: ${describeMention(mention)}.` : "")
      return this.#mark()
    }
    const held = this.opened.record.words[word]
    this.#say(`${held.text}: ${describeWord(held)}.`)
    const boxes = held.x_min === null ? [] : [{ box: held, kind: "word", name: null }]
    this.drawing.mark({ segment: held, boxes })
  }

  /** Draws the segment and boxes of the mention that is chosen. */
  #mark() {
    const boxes = this.opened.record.boxes ?? []
    const mention = this.opened.mentions[this.#mention] ?? null
    const marks = boxes.flatMap((box, at) => {
      const isClass = mention !== null && box.class_id === mention.class_id
      const kind = mention?.box_index === at ? "closest" : isClass ? "class" : "other"
      const isShown = kind !== "other" || this.allBoxes.checked
      return isShown ? [{ box, kind, name: box.name ?? box.class_id }] : []
    })
    this.drawing.mark({ segment: mention, boxes: marks })
  }

  #say(sentence) {
    this.said.textContent = sentence || "Point at a word to see its piece of the trace and its box."
  }

  #describe() {
    const { record, mentions } = this.opened
    const points = plural(record.trace?.t.length ?? 0, "trace point")
    this.drawing.describe(
      `Image ${record.image_id} with a trace of ${points}; ${plural(mentions.length, "mention")}`,
    )
  }

  async #loadPicture(images) {
    const addresses = addressesOf(this.opened.record, images)
    const found = await loadPicture(addresses)
    if (found) return this.drawing.frame(found.aspect, found.address)
    const why = addresses.length
      ? "The image cannot be had"
      : "The tables have no address of the image"
    this.note.textContent = `${why}; the frame is 4 by 3, whatever the image is.`
  }
}

function describeWord(word) {
  const { start_time: start, end_time: end, first_point: first, end_point: last } = word
  if (start === null) return "no time"
  const time = `${start.toFixed(2)} to ${end.toFixed(2)} s`
  if (last <= first || word.x_min === null) return `${time}, no trace point`
  const [left, top, right, bottom] = ["x_min", "y_min", "x_max", "y_max"].map((name) =>
    coordinate(word[name]),
  )
  const gap = word.crosses_gap ? ", across a gap" : ""
  return `${time}, points ${first} to ${last - 1}${gap}, box ${left} ${top} ${right} ${bottom}`
}

const section = (title, ...parts) => element("section", {}, element("h3", {}, title), ...parts)

function codeParts(opened) {
  const address = new URL(location.href)
  address.search = ""
  address.hash = hashOf({ table: opened.table, ...opened.record })
  const snippets = [...snippetsOf(opened), { title: "Link", code: address.href }]
  return snippets.map(({ title, code }) => codePart(title, code))
}

/** Code with a button that copies it. @param {string} title @param {string} code */
function codePart(title, code) {
  const button = element(
    "button",
    { type: "button", class: "copy", "aria-label": `Copy ${title}` },
    "Copy",
  )
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code)
      button.textContent = "Copied"
    } catch {
      button.textContent = "Select it"
    }
  })
  const name = title.toLowerCase()
  return element(
    "div",
    { class: "code" },
    element("h4", {}, title, button),
    element("pre", { tabindex: 0, "data-code": name, "aria-label": title }, code),
  )
}
