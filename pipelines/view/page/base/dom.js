/** Elements, made without parsing text as HTML: captions and ids come from files. */

const SVG = "http://www.w3.org/2000/svg"

/**
 * An element with attributes and children.
 *
 * @param {string} name
 * @param {Record<string, unknown>} [attributes] Functions become listeners (`onclick`); null and
 *   false leave an attribute out, true gives it no value.
 * @param {...(Node | string | null | false)} children Strings become text; null and false nothing.
 * @returns {HTMLElement}
 */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children)
}

/** As `element`, for a drawing. @returns {SVGElement} */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children)
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value)
    else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : String(value))
    }
  }
  made.append(...children.filter((child) => child !== null && child !== false))
  return made
}

/** The element of the page with this id. @param {string} id */
export function byId(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no element ${id}`)
  return found
}

/**
 * An address that may stand in a link or an image; null for any other, such as `javascript:`.
 *
 * @param {string | null | undefined} address
 * @returns {string | null}
 */
export function webAddress(address) {
  if (!address || !URL.canParse(address)) return null
  return ["http:", "https:"].includes(new URL(address).protocol) ? address : null
}
