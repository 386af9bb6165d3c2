/** What is known of a narrative beside its caption: flags, labels, origin. */

import { element, webAddress } from "../base/dom.js"
import { integer, known, percent, seconds } from "../base/formats.js"

const FLAGS = {
  no_transcript: "there is no transcription",
  no_caption: "the caption has no word",
  no_trace: "there is no trace",
  zero_length_utterance: "an utterance begins and ends at one time",
  times_out_of_order: "times of utterances go back",
  outside_image: "some trace point is outside the image",
  dataset_id_differs: "dataset_id is not what catalog or options say",
  inverted_word: "a word would end before it starts",
  inverted_mention: "a mention would end before it starts",
  alignment_too_large: "too large to align",
  caption_too_long: "over 100,000 characters, not tagged",
  narration_too_short: "under 0.05 seconds",
  annotations_of_other_dataset: "the image id is another dataset's too",
}

/** Flags, each with what it says. @param {string[]} flags */
export function flagList(flags) {
  if (!flags.length) return element("p", { class: "quiet" }, "No flags.")
  const items = flags.map((flag) =>
    element("li", {}, element("code", {}, flag), FLAGS[flag] ? ` ${FLAGS[flag]}` : ""),
  )
  return element("ul", { class: "flags" }, ...items)
}

/**
 * Labels in three kinds: verified by people, negative by people, of machines.
 *
 * @param {{ name: string | null, class_id: string, source: string, confidence: number }[]
 *   | null} labels
 */
export function labelGroups(labels) {
  if (labels === null) return [["Labels", "unknown", []]]
  const isMachine = ({ source }) => source === "machine"
  const name = (label) => label.name ?? label.class_id
  const human = labels.filter((label) => !isMachine(label))
  const scored = labels.filter(isMachine)
  scored.sort((a, b) => b.confidence - a.confidence)
  return [
    ["Verified", "verified", human.filter((label) => label.confidence !== 0).map(name)],
    ["Negative", "negative", human.filter((label) => label.confidence === 0).map(name)],
    ["Machine", "machine", scored.map((label) => `${name(label)} ${label.confidence.toFixed(2)}`)],
  ]
}

/** @param {object[] | null} labels */
export function labelList(labels) {
  if (!labels) return element("p", { class: "quiet" }, "Labels are not known for this image.")
  const parts = labelGroups(labels).flatMap(([title, kind, names]) => [
    element("dt", {}, `${title} (${names.length})`),
    element("dd", { class: `labels ${kind}` }, ...names.map((name) => element("span", {}, name))),
  ])
  return element("dl", {}, ...parts)
}

/** Where the narrative is from, and what was measured. @param {object} record */
export function originList(record) {
  const image = record.image ?? {}
  const page = webAddress(image.landing_url)
  const rows = [
    ["Narrative", record.narrative_id],
    ["Dataset, split", `${known(record.dataset)}, ${known(record.split)}`],
    ["Annotator", String(record.annotator_id)],
    ["Narration", seconds(record.narration_seconds)],
    ["D (Eq. 1)", record.distance === null ? "none" : `${integer(record.distance)} characters`],
    ["Transcription", known(record.transcript_source)],
    [
      "Words, trace points",
      `${record.words?.length ?? 0}, ${integer(record.trace?.t.length ?? 0)}`,
    ],
    [
      "Image",
      page
        ? element("a", { href: page, rel: "noreferrer" }, known(image.title))
        : known(image.title),
    ],
    ["Author, licence", `${known(image.author)}, ${known(image.licence)}`],
    ["Line", `${record.shard}, byte ${integer(record.byte_offset)}`],
  ]
  if (record.boxes_status)
    rows.push(["Boxes", `${record.boxes_status} (${record.boxes?.length ?? 0})`])
  if (record.richness) rows.push(["Parts of speech", partsOfSpeech(record.richness)])
  const parts = rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])
  return element("dl", { class: "origin" }, ...parts)
}

function partsOfSpeech(richness) {
  const known = Object.entries(richness).filter(([, count]) => count !== null)
  return known.map(([name, count]) => `${count} ${name.replace("_", " ")}`).join(", ")
}

/** What is known of a mention, in a sentence. @param {object} mention */
export function describeMention(mention) {
  const { points, points_inside: inside, box_index: box, mean_distance: distance } = mention
  if (!points) return "no trace while it is spoken"
  if (box === null) return `${integer(points)} trace points, no box of this class`
  const share = percent(inside / points)
  return (
    `${integer(inside)} of ${integer(points)} trace points inside its closest box (${share}), ` +
    `mean distance ${distance.toFixed(4)}`
  )
}
