/** A rejected line: where it is, why, and its bytes as text. */

import { element } from "../base/dom.js"
import { integer } from "../base/formats.js"

/**
 * The view of a row of `rejected`.
 *
 * @param {object} record
 * @param {object} manifest Its units say the line in the file.
 * @returns {HTMLElement}
 */
export function rejectedView(record, manifest) {
  const unit = manifest.units.find((one) => one.shard === record.shard && one.index === record.unit)
  const line = unit ? integer(unit.first_line + record.line_in_unit) : "unknown"
  const facts = [
    ["Code", record.code],
    ["Message", record.message],
    ["Stage", record.stage],
    ["File", record.shard],
    ["Line in the file", line],
    ["Byte offset", integer(record.byte_offset)],
    ["Bytes", integer(record.raw.length)],
  ]
  const parts = facts.flatMap(([name, value]) => [
    element("dt", {}, name),
    element("dd", {}, value),
  ])
  return element(
    "article",
    { class: "narrative rejected" },
    element("h2", { tabindex: -1 }, `Rejected: ${record.code}`),
    element("dl", {}, ...parts),
    element("h3", {}, "The line, as far as it is UTF-8"),
    element("pre", { tabindex: 0, class: "raw" }, new TextDecoder().decode(record.raw)),
  )
}
