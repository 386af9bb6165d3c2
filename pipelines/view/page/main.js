/** The page: what is open, and what leads from one narrative to another. */

import { byId, element } from "./base/dom.js"
import { integer, plural } from "./base/formats.js"
import { hashOf, placeOf } from "./base/link.js"
import { findRow, readRecord } from "./data/records.js"
import { openVersion } from "./data/version.js"
import { Filters, offerClasses } from "./list/filters.js"
import { queryOf, searchOf } from "./list/query.js"
import { RowList } from "./list/rows.js"
import { Result, scan } from "./list/scan.js"
import { NarrativeView } from "./narrative/narrative.js"
import { rejectedView } from "./narrative/rejected.js"

const TYPING_MILLISECONDS = 200

/** The browser of one version. */
class Browser {
  #scanning = new AbortController()
  #opening = 0
  #open = null
  #view = null
  #waiting = 0

  /** @param {import("./data/version.js").Version} version */
  constructor(version) {
    this.version = version
    this.list = new RowList(byId("list"), version, report)
    this.filters = new Filters(version, (query) => this.#typed(query))
    this.filters.query = queryOf(location.search)
  }

  start() {
    const { manifest } = this.version
    byId("version").textContent = `version ${manifest.version}, ${manifest.created.slice(0, 10)}`
    addEventListener("hashchange", () => this.#follow().catch(report))
    addEventListener("keydown", (event) => this.#pressed(event))
    byId("previous").addEventListener("click", () => this.step(-1))
    byId("next").addEventListener("click", () => this.step(1))
    byId("random").addEventListener("click", () => this.random())
    byId("skip").addEventListener("click", () => this.#focus())
    byId("back").addEventListener("click", () => this.back())
    offerClasses(this.version).catch(report)
    this.search(this.filters.query)
    return this.#follow()
  }

  #typed(query) {
    clearTimeout(this.#waiting)
    byId("filters").setAttribute("aria-busy", "true")
    this.#waiting = setTimeout(() => {
      const search = searchOf(query)
      history.replaceState(
        null,
        "",
        `${location.pathname}${search && `?${search}`}${location.hash}`,
      )
      byId("filters").removeAttribute("aria-busy")
      this.search(query)
    }, TYPING_MILLISECONDS)
  }

  /** Shows what a query finds, while it is found. @param {import("./list/query.js").Query} query */
  search(query) {
    this.#scanning.abort()
    this.#scanning = new AbortController()
    const result = new Result(query, this.version.rowsOf(query.table))
    this.result = result
    const { signal } = this.#scanning
    const progress = () => {
      if (!signal.aborted) this.#showProgress()
    }
    progress()
    scan(this.version, result, progress, signal).catch(report)
  }

  #showProgress() {
    const { result } = this
    const found = plural(result.count, result.query.table === "rejected" ? "line" : "narrative")
    const of = result.count === result.total ? "" : ` of ${integer(result.total)}`
    const share = Math.floor((100 * result.scanned) / Math.max(1, result.total))
    byId("found").textContent = result.isComplete
      ? `${found}${of}`
      : `${found}, ${share} % searched`
    byId("empty").hidden = result.count > 0 || !result.isComplete
    this.list.show(result, this.#index())
    this.#showPosition()
  }

  #index() {
    const { result } = this
    if (!this.#open || this.#open.table !== result.query.table) return -1
    return result.indexOf(this.#open.row)
  }

  #showPosition() {
    const index = this.#index()
    byId("position").textContent =
      index < 0 ? "" : `${integer(index + 1)} of ${integer(this.result.count)}`
    byId("previous").disabled = index <= 0
    byId("next").disabled = index + 1 >= this.result.count
    byId("random").disabled = !this.result.count
  }

  /** Opens what the address names. */
  async #follow() {
    const place = placeOf(location.hash)
    this.#opening += 1
    const opening = this.#opening
    if (!place) return this.#show(null)
    const row = this.#known(place) ?? (await findRow(this.version, place))
    if (opening !== this.#opening) return
    if (row === null) {
      this.#show(null)
      return report(new Error("this version has no such row: the link may be of another version"))
    }
    const opened = await readRecord(this.version, place.table, row)
    if (opening === this.#opening) this.#show(opened)
  }

  /** The row that `step` has just asked for, which need not be looked for. */
  #known(place) {
    const asked = this.asked
    this.asked = null
    return asked && hashOf(place) === asked.hash ? asked.row : null
  }

  #show(opened) {
    this.#view?.close?.()
    this.#open = opened
    byId("problem").hidden = true
    document.body.classList.toggle("has-open", opened !== null)
    byId("welcome").hidden = opened !== null
    this.#view = opened && this.#viewOf(opened)
    byId("narrative").replaceChildren(...(opened ? [this.#view.root] : []))
    const title = opened ? `${opened.record.image_id ?? opened.record.code} – ` : ""
    document.title = `${title}Localized Narratives`
    byId("main").scrollTop = 0
    this.list.mark(this.#index())
    this.#showPosition()
    if (document.activeElement === document.body) this.#focus()
  }

  #focus() {
    byId("narrative").querySelector("h2")?.focus()
  }

  #viewOf(opened) {
    if (opened.table === "rejected") {
      return { root: rejectedView(opened.record, this.version.manifest) }
    }
    return new NarrativeView(opened, this.version.images)
  }

  /** Opens the row at a place of the list. @param {number} index */
  async openAt(index) {
    const { result } = this
    const { table } = result.query
    const row = result.rowAt(index)
    const file = this.version.fileAt(table, row)
    const names = ["narrative_id", "shard", "byte_offset"]
    const columns = await this.version.readColumns(file, names)
    const values = names.map((name) => [name, columns[name]?.[row - file.first] ?? null])
    const hash = hashOf({ table, ...Object.fromEntries(values) })
    this.asked = { hash, row }
    location.hash = hash
  }

  /** Opens the row after or before the open one. @param {number} by */
  step(by) {
    const index = this.#index() + by
    if (index >= 0 && index < this.result.count) this.openAt(index).catch(report)
  }

  /** Opens any row of the list. */
  random() {
    const { count } = this.result
    if (count) this.openAt(Math.floor(Math.random() * count)).catch(report)
  }

  /** Closes what is open. */
  back() {
    const open = byId("list").querySelector("[aria-current]")
    location.hash = ""
    open?.focus()
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    const { target } = event
    if (event.key === "Escape") return this.back()
    const isTyping = target.matches("input:not([type=checkbox]), select, textarea, pre")
    if (isTyping) return
    const actions = {
      "/": () => byId("text").focus(),
      ArrowRight: () => this.step(1),
      j: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      k: () => this.step(-1),
      r: () => this.random(),
      p: () => this.#view?.player?.clock.toggle(),
      " ": () => this.#view?.player?.clock.toggle(),
    }
    if (event.key === " " && target.matches("button, a, summary, input")) return
    const act = actions[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
}

/** Says what went wrong, where people see it. @param {Error} error */
function report(error) {
  const problem = byId("problem")
  problem.replaceChildren(element("strong", {}, "This did not work: "), `${error.message}.`)
  problem.hidden = false
  console.error(error)
}

try {
  await new Browser(await openVersion(document.baseURI)).start()
} catch (error) {
  report(error)
} finally {
  document.body.dataset.ready = ""
}
