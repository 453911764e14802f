/**
 * PostgreSQL's text form of an array. The driver makes one too, with two passes of `replace` and a growing string for every element;
 * of the allocations of an import that was a seventh.
 */
export function arrayLiteral(values: readonly unknown[]): string {
  return `{${values.map(element).join(',')}}`
}

function element(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  return typeof value === 'string' ? quoted(value) : String(value)
}

/** JSON escapes quotes and backslashes as PostgreSQL does, and is native; what it would write otherwise than as itself goes the slow way. */
function quoted(text: string): string {
  return awkward.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : JSON.stringify(text)
}

/** Control characters and surrogates. */
const awkward = /[\u0000-\u001f\ud800-\udfff]/
