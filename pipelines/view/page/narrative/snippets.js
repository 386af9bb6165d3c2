/** Code that reads one row again. */

/** A text as Python and SQL write it. */
const python = (text) => JSON.stringify(text)
const sql = (text) => `'${text.replaceAll("'", "''")}'`

/**
 * pandas and DuckDB, to be run in the version's folder.
 *
 * @param {{ path: string, record: object, mentionsPath: string | null }} opened
 * @returns {{ title: string, code: string }[]}
 */
export function snippetsOf({ path, record, mentionsPath }) {
  const { shard, byte_offset: offset } = record
  const pandas = [
    "import pandas as pd",
    `line = [("shard", "==", ${python(shard)}), ("byte_offset", "==", ${offset})]`,
    `narrative = pd.read_parquet(${python(path)}, filters=line).iloc[0]`,
    'words = pd.DataFrame(list(narrative["words"]))',
  ]
  const duckdb = [
    "SELECT unnest(words, recursive := true)",
    `FROM ${sql(path)}`,
    `WHERE shard = ${sql(shard)} AND byte_offset = ${offset};`,
  ]
  if (mentionsPath) {
    pandas.push(
      `mentions = pd.read_parquet(${python(mentionsPath)}, filters=line)`,
    )
    duckdb.push(
      `SELECT * FROM ${sql(mentionsPath)}`,
      `WHERE shard = ${sql(shard)} AND byte_offset = ${offset};`,
    )
  }
  return [
    { title: "pandas", code: pandas.join("\n") },
    { title: "DuckDB", code: duckdb.join("\n") },
  ]
}
