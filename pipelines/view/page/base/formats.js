/** How values are shown. */

const WHOLE = new Intl.NumberFormat("en")

/** A whole number with separators. @param {number} value */
export const integer = (value) => WHOLE.format(value)

/** `1 narrative`, `2 narratives`. @param {number} count @param {string} noun */
export const plural = (count, noun) => `${integer(count)} ${noun}${count === 1 ? "" : "s"}`

/** Seconds with one decimal; a dash where unknown. @param {number | null} value */
export const seconds = (value) => (value === null ? "–" : `${value.toFixed(1)} s`)

/** A share between 0 and 1 in percent, one decimal; a dash where unknown. */
export const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)} %`)

/** A normalised coordinate or distance. @param {number} value */
export const coordinate = (value) => value.toFixed(3)

/** A value as it is, or `unknown`. @param {unknown} value */
export const known = (value) =>
  value === null || value === undefined || value === "" ? "unknown" : String(value)
