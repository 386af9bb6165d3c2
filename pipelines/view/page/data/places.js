/** Which rows of `narratives` can have what is searched for, by the version's indexes. */

/**
 * @typedef {Map<string, number[]>} Places Rows by the path of their file, ascending.
 */

/**
 * Rows whose image id begins with a text; null where the version has no such index.
 *
 * @param {import("./version.js").Version} version
 * @param {string} text
 * @returns {Promise<Places | null>}
 */
export async function placesOfImages(version, text) {
  const found = await rowsOf(version, "image_index", "image_id", text, `${text}\u{10FFFF}`)
  if (!found) return null
  const places = new Map()
  for (const { image_id: id, file, row } of found) {
    if (id.startsWith(text)) places.set(file, [...(places.get(file) ?? []), row])
  }
  return sorted(places)
}

/**
 * Rows that mention a class, whose name is given in any letters; null as above.
 *
 * @param {import("./version.js").Version} version
 * @param {string} text
 * @returns {Promise<Places | null>}
 */
export async function placesOfClass(version, text) {
  const places = new Map()
  for (const name of await namesOf(version, text)) {
    const found = await rowsOf(version, "class_index", "name", name, name)
    if (!found) return null
    for (const { file, rows } of found) {
      places.set(file, [...new Set([...(places.get(file) ?? []), ...rows])])
    }
  }
  return version.filesOf("class_index").length ? sorted(places) : null
}

/** The classes of a name, as the table of those that are mentioned has them. */
async function namesOf(version, text) {
  const names = new Set()
  for (const file of version.filesOf("localization")) {
    const { name: column } = await file.parquet.readColumns(["name"])
    for (const name of column) if (name.toLowerCase() === text.toLowerCase()) names.add(name)
  }
  return names
}

/**
 * Rows that have all of some words, in any order; null where the index does not tell: there is
 * none, or letters are folded otherwise than here.
 *
 * @param {import("./version.js").Version} version
 * @param {string[]} words As `wordsOf` has them.
 * @returns {Promise<Places | null>}
 */
export async function placesOfWords(version, words) {
  if (!words.every((word) => /^[\x20-\x7e]+$/.test(word))) return null
  let places = null
  for (const word of new Set(words)) {
    const found = await rowsOf(version, "word_index", "word", word, word)
    if (!found) return null
    const own = new Map(found.map(({ file, rows }) => [file, rows]))
    places = places ? common(places, own) : own
  }
  return places
}

function common(one, other) {
  const both = new Map()
  for (const [file, rows] of one) {
    const others = new Set(other.get(file))
    const kept = rows.filter((row) => others.has(row))
    if (kept.length) both.set(file, kept)
  }
  return both
}

function sorted(places) {
  for (const rows of places.values()) rows.sort((a, b) => a - b)
  return places
}

async function rowsOf(version, table, column, low, high) {
  const [file] = version.filesOf(table)
  return file ? file.parquet.findRows(column, low, high) : null
}
