/** System areas, `system.<area>`: what services tell of themselves, labelled with channels and read by whom the event names. */
import { hasScope } from './grants.js'
import { checkReferences } from './message.js'
import { type Refusal, refuse } from './refusal.js'
import type { Case, Draft, Outcome } from './rule.js'

/** `any`, `users`, `user:<id>`, `team:<t>` or `team:<t>/<role>`. */
const readerForm = /^(any|users|user:.+|team:[^/]+(\/[^/]+)?)$/u

/** Types that mean something to the fold of a room. */
const folded = /^(room|member|alias|profile)\./

/** Services with scope `publish` append; the area is there with its first event. */
export function systemEvent(of: Case): Outcome {
  const { command } = of
  if (!hasScope(of, 'publish') && !command.rights.internal)
    return refuse('forbidden', 'system events come from services with scope publish')
  if (folded.test(command.type)) return refuse('invalid', `${command.type} is no system event`, { field: 'type' })
  const refused = checkLabels(of) ?? checkReferences(of)
  if (refused) return refused
  const draft: Draft = { type: command.type, content: command.content, channels: command.channels!, readers: command.readers! }
  if (command.user !== undefined) draft.user = command.user
  if (command.ref !== undefined) draft.ref = command.ref
  if (command.follows !== undefined) draft.follows = command.follows
  return { events: [draft] }
}

function checkLabels({ command: { channels, readers, key } }: Case): Refusal | undefined {
  if (key !== undefined) return refuse('invalid', 'a system area has no state', { field: 'key' })
  if (channels === undefined || channels.length === 0) return refuse('invalid', 'channels are missing', { field: 'channels' })
  if (readers === undefined || readers.length === 0) return refuse('invalid', 'readers are missing', { field: 'readers' })
  const wrong = readers.find((reader) => !readerForm.test(reader))
  return wrong === undefined ? undefined : refuse('invalid', `${wrong} is no reader`, { field: 'readers' })
}
