/** The client's errors are trees of hundreds of lines: what they mean, and one line of text for people. */
import { RoomlogError } from '../failure.js'

interface Tree {
  message?: string
  apiId?: string
  errors?: unknown[]
  cause?: unknown
  response?: unknown
}

/** Kafka's names of what went wrong (`NOT_LEADER_OR_FOLLOWER`), from anywhere in the tree. */
export function kafkaCodes(error: unknown): Set<string> {
  const codes = new Set<string>()
  for (const node of nodesOf(error)) if (node.apiId) codes.add(node.apiId)
  return codes
}

/** At most 200 characters: Kafka's codes where there are any, else the innermost messages. */
export function shortText(error: unknown): string {
  const codes = kafkaCodes(error)
  const leaves = nodesOf(error).filter((node) => !node.errors?.length && !node.cause)
  const text = codes.size > 0 ? [...codes].join(', ') : [...new Set(leaves.map((leaf) => leaf.message ?? String(leaf)))].join('; ')
  return text.replace(/\s+/g, ' ').slice(0, 200)
}

/** The answers of brokers that came with an error: they hold what did succeed. */
export function responsesOf<R>(error: unknown): R[] {
  return nodesOf(error).flatMap((node) => (node.response ? [node.response as R] : []))
}

export function unavailable(what: string, error: unknown): RoomlogError {
  return new RoomlogError('unavailable', `${what}: ${shortText(error)}`)
}

const depthMax = 8

function nodesOf(error: unknown, depth = 0): Tree[] {
  if (typeof error !== 'object' || error === null || depth > depthMax) return []
  const node = error as Tree
  return [node, ...(node.errors ?? []).flatMap((child) => nodesOf(child, depth + 1)), ...nodesOf(node.cause, depth + 1)]
}
