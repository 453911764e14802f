import { testVariable, variables } from './variables.js'

/**
 * What the environment sets under our prefix that we do not know, each with the nearest name that we do.
 * Reported and not refused: Kubernetes puts variables of its own there when a service is called `roomlog…`.
 */
export function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = Object.keys(variables)
  return Object.keys(env)
    .filter((name) => name.startsWith('ROOMLOG_') && !known.includes(name) && !testVariable.test(name) && !ofKubernetes.test(name))
    .sort()
    .map((name) => {
      const near = nearest(name, known)
      return `${name}: unknown${near ? `, did you mean ${near}?` : ''}`
    })
}

const ofKubernetes = /_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$|_PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?$/

function nearest(name: string, known: string[]): string | undefined {
  const [best] = known.map((candidate) => ({ candidate, far: distance(name, candidate) })).sort((a, b) => a.far - b.far)
  return best && best.far <= 4 ? best.candidate : undefined
}

/** Levenshtein. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}
