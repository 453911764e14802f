/** `do`: every command of the rules under its type, over any transport that has frames instead of routes. */
import { parseStrict, type WireError, wireError } from '@roomlog/protocol'
import { type Input, type Operation, operationOfType } from '@roomlog/protocol/operations'

/**
 * The operation that a `do` means and its input. Members of operations that have no opaque content (a kick's `reason`, all of
 * `room.create`) may stand in the frame or in its content. `frame.content` is raw; `op` and `id` are gone already.
 */
export function doInput(frame: Input): { operation: Operation; input: Input } | WireError {
  const { type, ...rest } = frame
  if (typeof type !== 'string' || type === '') return wireError('invalid', 'type is missing', { field: 'type' })
  const operation = operationOfType(type)
  if (!operation) return wireError('invalid', `${type} is not for clients to send`, { field: 'type' })
  if ('type' in operation.input.shape && operation.name !== 'createRoom') return { operation, input: { content: '{}', ...frame } }
  if ('content' in operation.input.shape || rest.content === undefined) return { operation, input: rest }
  const { content, ...members } = rest
  const parsed = parseStrict(content)
  if ('invalid' in parsed) return wireError('invalid', `content: ${parsed.invalid}`, { field: 'content' })
  if (typeof parsed.ok !== 'object' || parsed.ok === null || Array.isArray(parsed.ok)) {
    return wireError('invalid', 'content must be a JSON object', { field: 'content' })
  }
  return { operation, input: { ...parsed.ok, ...members } }
}
