import { redact } from '@roomlog/runtime'

/** An error for people: its message and those of its causes, without a stack and without secrets. */
export function explain(error: unknown): string {
  const parts: string[] = []
  for (let at: unknown = error; at !== undefined && parts.length < 5; at = (at as { cause?: unknown }).cause) {
    const text = at instanceof Error ? at.message || (at as NodeJS.ErrnoException).code || at.name : String(at)
    if (!parts.some((part) => part.includes(text))) parts.push(text)
    if (!(at instanceof Error)) break
  }
  return redact(parts.join(': '))
}
