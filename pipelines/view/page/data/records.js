/** Rows in full, and where a link's row is. */

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
  for (const file of version.filesOf(table)) {
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
  const mentions = besides ? await mentionsOf(besides.parquet, record) : []
  return { table, row, path: file.path, record, mentions, mentionsPath: besides?.path ?? null }
}

/** Mentions have the id alone: where it repeats, they are those that the caption has. */
async function mentionsOf(parquet, record) {
  const { narrative_id: ids } = await parquet.readColumns(["narrative_id"])
  const start = ids.indexOf(record.narrative_id)
  if (start < 0) return []
  const rows = await parquet.readRows(start, ids.lastIndexOf(record.narrative_id) + 1)
  const caption = Array.from(record.caption)
  const found = new Map()
  for (const mention of rows) {
    const { narrative_id: id, char_start: from, char_end: to, text } = mention
    const fits = id === record.narrative_id && caption.slice(from, to).join("") === text
    if (fits && !found.has(from)) found.set(from, mention)
  }
  return [...found.values()]
}
