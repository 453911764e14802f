/** Imported first by every entry: an older Node would fail later, and less clearly. */
const major = Number(process.versions.node.split('.')[0])

/** What the packages below us need. */
export const nodeMajorMin = 24

if (major < nodeMajorMin) {
  process.stderr.write(
    `Roomlog needs Node ${nodeMajorMin} or newer; this is ${process.version}. \`npm start\` and \`npx roomlog\` bring their own.\n`,
  )
  process.exit(1)
}
