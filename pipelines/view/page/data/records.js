/** Rows in full, and where a link's row is. */

import { placesOfImages } from "./places.js"

/**
 * The number of a row in its table; null where the version has no such row.
 *
 * @param {import("./version.js").Version} version
 * @param {import("../base/link.js").Place} place
 * @returns {Promise<number | null>}
 */
export async function findRow(version, place) {
  if (place.shard === null) return findById(version, place)
  const unit = version.unitOf(place.shard, place.byte_offset)
  const files = version.filesOf(place.table).filter((file) => file.shard === place.shard)
  files.sort((a, b) => Number(b.number === unit) - Number(a.number === unit) || a.first - b.first)
  for (const file of files) {
    const { byte_offset: offsets } = await version.readColumns(file, ["byte_offset"])
    const at = offsets.indexOf(place.byte_offset)
    if (at >= 0) return file.first + at
  }
  return null
}

async function findById(version, { table, narrative_id: wanted }) {
  const image = table === "narratives" ? wanted.split("-").at(-2) : null
  const places = image ? await placesOfImages(version, image) : null
  const files = version.filesOf(table)
  const likely = files.filter(({ path }) => places?.has(path))
  for (const file of new Set([...likely, ...files])) {
    if (file.parquet && !(await file.parquet.mayHold("narrative_id", wanted, wanted))) continue
    const { narrative_id: ids } = await version.readColumns(file, ["narrative_id"])
    const at = ids?.indexOf(wanted) ?? -1
    if (at >= 0) return file.first + at
  }
  return null
}

/**
 * A row with all of its columns, and with its mentions.
 *
 * @param {import("./version.js").Version} version
 * @param {string} table
 * @param {number} row
 * @returns {Promise<{ table: string, row: number, path: string, record: object, mentions: object[],
 *   mentionsPath: string | null }>}
 */
export async function readRecord(version, table, row) {
  const file = version.fileAt(table, row)
  const at = row - file.first
  const record = file.parquet
    ? (await file.parquet.readRows(at, at + 1))[0]
    : (await version.readAvroRows(file))[at]
  const besides = table === "narratives" ? version.besides(file, "mentions") : null
  const mentions = besides ? await mentionsOf(besides.parquet, version.mentionKey, record) : []
  return { table, row, path: file.path, record, mentions, mentionsPath: besides?.path ?? null }
}

/** The mentions of a narrative, which stand one behind the other. */
async function mentionsOf(parquet, key, record) {
  const { [key]: keys } = await parquet.readColumns([key])
  const start = keys.indexOf(record[key])
  return start < 0 ? [] : parquet.readRows(start, keys.lastIndexOf(record[key]) + 1)
}
