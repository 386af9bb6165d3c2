/** A version: its manifest, and the rows of its tables in order. */

import { readAvro } from "./avro.js"
import { RangeFile, readBytes, readJson, readText } from "./bytes.js"
import { ColumnBudget, ParquetFile } from "./parquet.js"

/**
 * The version that the settings name.
 *
 * @param {string} base The page's address.
 * @returns {Promise<Version>}
 * @throws {Error} There is none, or it was made by a job without narratives.
 */
export async function openVersion(base) {
  const settings = await readJson(new URL("settings.json", base).href)
  const folder = await folderOf(settings, base)
  const manifest = await readJson(new URL("manifest.json", folder).href)
  if (!manifest.files?.some((file) => file.table === "narratives")) {
    throw new Error("this version has no table `narratives`: give an output of the main job")
  }
  const images = settings.images ? new URL(settings.images, base).href : null
  return new Version(folder, manifest, images)
}

async function folderOf(settings, base) {
  if (settings.version) return new URL(settings.version, base).href
  const output = new URL(settings.output, base).href
  const current = (await readText(new URL("CURRENT", output).href)).trim()
  return new URL(`versions/${current}/`, output).href
}

/**
 * @typedef {object} TableFile
 * @property {string} path Below the version's folder.
 * @property {string | null} shard
 * @property {number} number The unit's: the same in all tables (docs/tables.md).
 * @property {number} first Number of the file's first row in the table.
 * @property {number} rows
 * @property {ParquetFile | null} parquet Null for Avro.
 * @property {string} address
 */

/** The files of a version. */
export class Version {
  #avro = new Map()

  /**
   * @param {string} folder Address, with a slash at its end.
   * @param {object} manifest As docs/manifest.schema.json describes it.
   * @param {string | null} images Address below which images are, by data set and id.
   */
  constructor(folder, manifest, images) {
    this.folder = folder
    this.manifest = manifest
    this.images = images
    this.traffic = { bytes: 0, requests: 0, wholeFiles: 0 }
    const budget = new ColumnBudget()
    this.tables = {}
    for (const entry of manifest.files) this.#add(entry, budget)
  }

  #add(entry, budget) {
    const files = (this.tables[entry.table] ??= [])
    const address = new URL(entry.path.split("/").map(encodeURIComponent).join("/"), this.folder)
      .href
    const file = new RangeFile(address, entry.bytes, this.traffic)
    const isParquet = entry.path.endsWith(".parquet")
    files.push({
      ...entry,
      address,
      number: Number(entry.path.match(/-(\d+)\.\w+$/)?.[1] ?? 0),
      first: files.length ? files.at(-1).first + files.at(-1).rows : 0,
      parquet: isParquet ? new ParquetFile(file, entry.rows, budget) : null,
    })
  }

  /** Files of a table that have rows. @param {string} table @returns {TableFile[]} */
  filesOf(table) {
    return (this.tables[table] ?? []).filter((file) => file.rows)
  }

  /** @param {string} table */
  rowsOf(table) {
    return this.filesOf(table).reduce((total, file) => total + file.rows, 0)
  }

  /**
   * The file that has a row of a table.
   *
   * @param {string} table
   * @param {number} row
   * @returns {TableFile}
   */
  fileAt(table, row) {
    const files = this.filesOf(table)
    let [low, high] = [0, files.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (files[middle].first <= row) low = middle
      else high = middle - 1
    }
    return files[low]
  }

  /**
   * Columns of a file, of either format.
   *
   * @param {TableFile} file
   * @param {string[]} names
   * @returns {Promise<Record<string, unknown[]>>}
   */
  async readColumns(file, names) {
    if (file.parquet) return file.parquet.readColumns(names)
    const rows = await this.readAvroRows(file)
    return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name] ?? null)]))
  }

  /** @param {TableFile} file */
  async readAvroRows(file) {
    if (!this.#avro.has(file)) this.#avro.set(file, readBytes(file.address).then(readAvro))
    return this.#avro.get(file)
  }

  /**
   * The column by which mentions and narratives of a unit belong together; older versions have only
   * ids there, which may repeat.
   */
  get mentionKey() {
    return this.manifest.columns?.mentions?.byte_offset ? "byte_offset" : "narrative_id"
  }

  /** The file of the same unit in another table. @param {TableFile} file @param {string} table */
  besides(file, table) {
    return this.filesOf(table).find((one) => one.number === file.number) ?? null
  }

  /**
   * The unit of the manifest in which a line begins.
   *
   * @param {string} shard
   * @param {number} offset Bytes.
   */
  unitOf(shard, offset) {
    return this.manifest.units.findIndex(
      (unit) => unit.shard === shard && unit.start <= offset && offset < unit.start + unit.bytes,
    )
  }
}
