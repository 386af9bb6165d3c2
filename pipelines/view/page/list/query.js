/** What is searched for, and whether a row has it. */

/**
 * @typedef {object} Query
 * @property {string} table `narratives`, `discarded` or `rejected`.
 * @property {string} field Where `text` is looked for: `word`, `image_id`, `narrative_id`, `class`.
 * @property {string} text Empty: anywhere.
 * @property {string} dataset Empty: any; so of all that follow.
 * @property {string} split
 * @property {string} flag One of `flags`; discarded: of `reasons`; rejected: a `code`.
 * @property {number | null} minDistance Least D, in characters.
 * @property {number | null} maxDistance Greatest D, in characters.
 * @property {number | null} minShare Least share of points inside the closest box, 0 to 1.
 * @property {number | null} maxShare Greatest one.
 * @property {string} sort `file`, `image_id`, `distance`, `words`, `seconds` or `share`.
 * @property {boolean} descending
 */

/** @type {Query} */
export const EVERYTHING = Object.freeze({
  table: "narratives",
  field: "word",
  text: "",
  dataset: "",
  split: "",
  flag: "",
  minDistance: null,
  maxDistance: null,
  minShare: null,
  maxShare: null,
  sort: "file",
  descending: false,
})

const NUMBERS = ["minDistance", "maxDistance", "minShare", "maxShare"]

/** A query as the part of an address behind the `?`: what differs from `EVERYTHING`. */
export function searchOf(query) {
  const differing = Object.entries(query).filter(([name, value]) => value !== EVERYTHING[name])
  return String(new URLSearchParams(differing.map(([name, value]) => [name, String(value)])))
}

/**
 * The query of an address; what it does not know is left out.
 *
 * @param {string} search
 * @returns {Query}
 */
export function queryOf(search) {
  const query = { ...EVERYTHING }
  for (const [name, value] of new URLSearchParams(search)) {
    if (NUMBERS.includes(name)) query[name] = numberOf(value)
    else if (name === "descending") query.descending = value === "true"
    else if (name in EVERYTHING) query[name] = value
  }
  return query
}

/** A number that was typed; null where there is none. @param {string} text */
export function numberOf(text) {
  const value = Number(text)
  return text.trim() === "" || Number.isNaN(value) ? null : value
}

/** Whether mentions have to be read. @param {Query} query */
export function needsMentions(query) {
  if (query.table !== "narratives") return false
  const byClass = query.field === "class" && query.text !== ""
  return byClass || query.minShare !== null || query.maxShare !== null || query.sort === "share"
}

/** Whether the rows are all of the table, in their order, so that none has to be read. */
export function isEverything(query) {
  const { table, field, ...others } = query
  return Object.entries(others).every(([name, value]) => value === EVERYTHING[name])
}

/** Where the rows' `flag` is, by table. */
export const FLAG_COLUMNS = { narratives: "flags", discarded: "reasons", rejected: "code" }

/** The columns that a query reads. @param {Query} query @returns {string[]} */
export function columnsOf(query) {
  const { table, field, text } = query
  const columns = new Set()
  if (text && field !== "class") columns.add(searchedColumn(query))
  if (query.flag) columns.add(FLAG_COLUMNS[table])
  if (table === "rejected") return [...columns]
  for (const name of ["dataset", "split"]) if (query[name]) columns.add(name)
  if (query.minDistance !== null || query.maxDistance !== null) columns.add("distance")
  if (query.sort in SORT_COLUMNS) columns.add(SORT_COLUMNS[query.sort])
  return [...columns]
}

const SORT_COLUMNS = {
  image_id: "image_id",
  distance: "distance",
  words: "caption",
  seconds: "narration_seconds",
}

function searchedColumn({ table, field }) {
  if (table === "rejected") return "message"
  return field === "word" ? "caption" : field
}

/**
 * The words of a text as `normalized` has them: NFKC, small letters, without what is no letter,
 * digit or mark at the outside.
 *
 * @param {string} text
 * @returns {string[]}
 */
export function wordsOf(text) {
  const words = text.normalize("NFKC").toLowerCase().split(/\s+/u)
  return words.map((word) => word.replace(OUTSIDE, "")).filter((word) => word !== "")
}

const OUTSIDE = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}\p{M}]+$/gu

/**
 * Whether words stand in a caption one behind the other.
 *
 * @param {string[]} wanted
 * @param {string} caption
 */
export function hasWords(wanted, caption) {
  if (!wanted.length) return false
  const lower = caption.normalize("NFKC").toLowerCase()
  if (!wanted.every((word) => lower.includes(word))) return false
  const words = wordsOf(caption)
  return words.some((_, at) => wanted.every((word, next) => words[at + next] === word))
}

/**
 * A function that says whether row `at` of some columns is wanted.
 *
 * @param {Query} query
 * @returns {(columns: Record<string, unknown[]>, at: number, mentions: object | null) => boolean}
 *   `mentions` are those of the row, as `summarise` gives them.
 */
export function matcherOf(query) {
  const tests = [...textTests(query), ...columnTests(query), ...shareTests(query)]
  return (columns, at, mentions) => tests.every((test) => test(columns, at, mentions))
}

function textTests(query) {
  const { table, field, text } = query
  if (!text.trim()) return []
  if (table === "narratives" && field === "class") {
    const wanted = text.trim().toLowerCase()
    return [(columns, at, mentions) => mentions?.names.has(wanted) ?? false]
  }
  const column = searchedColumn(query)
  if (column === "caption") {
    const wanted = wordsOf(text)
    return [({ caption }, at) => hasWords(wanted, caption[at])]
  }
  const wanted = text.trim()
  if (column === "message") return [({ message }, at) => message[at].includes(wanted)]
  return [(columns, at) => columns[column]?.[at]?.startsWith(wanted) ?? false]
}

function columnTests(query) {
  const tests = []
  for (const name of query.table === "rejected" ? [] : ["dataset", "split"]) {
    if (query[name]) tests.push((columns, at) => columns[name][at] === query[name])
  }
  const flags = FLAG_COLUMNS[query.table]
  if (query.flag) tests.push((columns, at) => [columns[flags][at]].flat().includes(query.flag))
  const { minDistance, maxDistance } = query
  if (query.table !== "rejected" && (minDistance !== null || maxDistance !== null)) {
    tests.push(({ distance }, at) => isWithin(distance[at], minDistance, maxDistance))
  }
  return tests
}

function shareTests({ table, minShare, maxShare }) {
  if (table !== "narratives" || (minShare === null && maxShare === null)) return []
  return [(columns, at, mentions) => isWithin(shareOf(mentions), minShare, maxShare)]
}

const isWithin = (value, least, greatest) =>
  value !== null && value >= (least ?? -Infinity) && value <= (greatest ?? Infinity)

/**
 * What the list needs of the mentions of some narratives.
 *
 * @param {Record<string, unknown[]>} columns `key`, `name`, `box_index`, `points` and
 *   `points_inside` of mentions.
 * @param {string} key The column by which they belong to narratives.
 * @returns {Map<string, { names: Set<string>, points: number, inside: number }>} Names in small
 *   letters; points of mentions that have a closest box, and those of them inside it.
 */
export function summarise(columns, key) {
  const found = new Map()
  columns[key].forEach((id, at) => {
    if (!found.has(id)) found.set(id, { names: new Set(), points: 0, inside: 0 })
    const summary = found.get(id)
    summary.names.add(columns.name[at].toLowerCase())
    if (columns.box_index[at] === null) return
    summary.points += columns.points[at]
    summary.inside += columns.points_inside[at]
  })
  return found
}

/**
 * The share of a narrative's points inside, between 0 and 1; null where no mention has a
 * closest box.
 */
export const shareOf = (summary) => (summary?.points ? summary.inside / summary.points : null)

/**
 * What row `at` is sorted by: a number, a text, or null for what comes last.
 *
 * @param {Query} query
 */
export function sortKey(query, columns, at, mentions) {
  if (query.sort === "share") return shareOf(mentions)
  if (query.sort === "words") return wordsOf(columns.caption[at]).length
  return columns[SORT_COLUMNS[query.sort]][at]
}
