/**
 * Links: what is opened is behind the `#`, what is searched for behind the `?`.
 *
 * A row is named by its table, and by the shard and the byte offset of its line, which are unique
 * where an id repeats, and the same in every version that was made of the shard. `narrative_id` is
 * there for people, and for links that are written by hand: alone, it opens the first row with it.
 */

/**
 * @typedef {object} Place
 * @property {string} table `narratives`, `discarded` or `rejected`.
 * @property {string | null} narrative_id
 * @property {string | null} shard
 * @property {number | null} byte_offset Bytes.
 */

/** The part of an address behind the `#`. @param {Place} place */
export function hashOf(place) {
  const values = new URLSearchParams()
  if (place.table !== "narratives") values.set("table", place.table)
  for (const name of ["narrative_id", "shard", "byte_offset"]) {
    if (place[name] !== null && place[name] !== undefined) values.set(name, String(place[name]))
  }
  return `#${values}`
}

/**
 * What an address opens; null where it opens nothing.
 *
 * @param {string} hash
 * @returns {Place | null}
 */
export function placeOf(hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ""))
  const offset = values.get("byte_offset")
  const place = {
    table: values.get("table") ?? "narratives",
    narrative_id: values.get("narrative_id"),
    shard: values.get("shard"),
    byte_offset: offset !== null && /^\d+$/.test(offset) ? Number(offset) : null,
  }
  const isLine = place.shard !== null && place.byte_offset !== null
  return isLine || place.narrative_id !== null ? place : null
}
