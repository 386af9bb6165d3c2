/** The form of searches, and the query that it says. */

import { byId, element } from "../base/dom.js"
import { EVERYTHING, numberOf } from "./query.js"

const TEXTS = ["table", "field", "text", "dataset", "split", "flag", "sort"]
const NUMBERS = ["minDistance", "maxDistance", "minShare", "maxShare"]
const SHARES = ["minShare", "maxShare"]

/** The form. */
export class Filters {
  /**
   * @param {import("../data/version.js").Version} version
   * @param {(query: import("./query.js").Query) => void} onChange
   */
  constructor(version, onChange) {
    this.form = byId("filters")
    this.version = version
    fillChoices(version)
    for (const event of ["input", "change"]) {
      this.form.addEventListener(event, () => this.#changed(onChange))
    }
    this.form.addEventListener("submit", (event) => event.preventDefault())
    this.form.addEventListener("reset", () => setTimeout(() => this.#changed(onChange)))
  }

  #changed(onChange) {
    this.#adapt()
    onChange(this.query)
  }

  #control(name) {
    return this.form.elements.namedItem(name)
  }

  /** What the form says. @returns {import("./query.js").Query} */
  get query() {
    const texts = TEXTS.map((name) => [name, this.#control(name).value])
    const numbers = NUMBERS.map((name) => [name, numberOf(this.#control(name).value)])
    const scaled = numbers.map(([name, value]) => [
      name,
      value !== null && SHARES.includes(name) ? value / 100 : value,
    ])
    const descending = this.#control("descending").checked
    const query = { ...Object.fromEntries([...texts, ...scaled]), descending }
    return query.sort === "file" ? { ...query, descending: false } : query
  }

  /** @param {import("./query.js").Query} query */
  set query(query) {
    this.#control("table").value = query.table
    this.#adapt()
    for (const name of TEXTS) this.#control(name).value = query[name]
    for (const name of NUMBERS) {
      const value = query[name]
      const shown = SHARES.includes(name) && value !== null ? 100 * value : value
      this.#control(name).value = shown ?? ""
    }
    this.#control("descending").checked = query.descending
  }

  /**
   * Shows what the table has: discarded rows have reasons, rejected ones a code and no
   * narrative.
   */
  #adapt() {
    const table = this.#control("table").value
    this.form.dataset.table = table
    for (const part of this.form.querySelectorAll("[data-for]")) {
      const isShown = part.dataset.for.split(" ").includes(table)
      part.hidden = !isShown
      if (isShown) continue
      for (const control of part.querySelectorAll("input, select")) {
        if (control.type === "checkbox") control.checked = false
        else control.value = EVERYTHING[control.name] ?? ""
      }
    }
    const field = this.#control("field")
    field.querySelector("[value=class]").disabled = table !== "narratives"
    if (table !== "narratives" && field.value === "class") field.value = EVERYTHING.field
    const flags = this.#control("flag")
    if (flags.dataset.table === table) return
    flags.dataset.table = table
    flags.replaceChildren(
      element("option", { value: "" }, "any"),
      ...flagChoices(this.version, table),
    )
    byId("flag-label").textContent =
      { narratives: "Flag", discarded: "Reason", rejected: "Code" }[table] ?? "Flag"
  }
}

function fillChoices({ manifest }) {
  const splits = manifest.splits ?? []
  for (const name of ["dataset", "split"]) {
    const values = [...new Set(splits.map((entry) => entry[name]).filter(Boolean))].sort()
    byId(name).append(...values.map((value) => element("option", { value }, value)))
  }
}

function flagChoices({ manifest }, table) {
  const { flags, discarded, rejected } = manifest.counts
  const counts = { narratives: flags, discarded, rejected }[table] ?? {}
  const entries = Object.entries(counts).sort()
  return entries.map(([value, count]) => element("option", { value }, `${value} (${count})`))
}

/**
 * Offers the classes that captions mention, from the table `localization`.
 *
 * @param {import("../data/version.js").Version} version
 */
export async function offerClasses(version) {
  const names = new Set()
  for (const file of version.filesOf("localization")) {
    const { name } = await file.parquet.readColumns(["name"])
    name.forEach((one) => names.add(one))
  }
  const options = [...names].sort().map((value) => element("option", { value }))
  byId("classes").replaceChildren(...options)
}
