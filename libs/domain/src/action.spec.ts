import { given, idAt, TestRoom } from '@roomlog/testing/given'
import { createRoom, join, kick, say, setPower } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'
import { actionWindow, noteRefused, refusedKeyOf } from './action.js'

/** Six events; actions begin at 7. */
const room = (...more: Parameters<typeof given>) => given(createRoom('ann'), join('bob'), ...more)
const act = (actionId: number, more = {}) => say('bob', `${actionId}`, { actionId, ...more })

describe('an action', () => {
  it('twice is one event, and gets its first result again', () => {
    room(act(1), act(2)).when(act(1)).thenRepeats(7)
  })

  it('is known again after its sender was removed', () => {
    room(act(1), kick('ann', 'bob')).when(act(1)).thenRepeats(7)
  })

  it('is named in its event, with its digest and what was before it', () => {
    room(act(1))
      .when(act(2, { prevActionId: 1, digest: 'd' }))
      .then({ action: { id: 2, prev: 1, digest: 'd' }, device: 'phone' })
  })

  it('with the number of another is a conflict that names the highest', () => {
    expect(room(act(1), act(9)).when(act(1, { digest: 'other' })).decision).toMatchObject({ refused: 'conflict', lastActionId: 9 })
  })

  it('belongs to its device and user', () => {
    room(act(1))
      .when(act(1, { device: 'laptop' }))
      .then({ type: 'msg.text' })
    room(act(1))
      .when({ ...act(1), sender: { id: 'ann' } })
      .then({ type: 'msg.text' })
    const odd = given(createRoom('a:b'), join('a'))
    odd.when(say('a:b', 'x', { actionId: 1, device: 'c' })).then({ type: 'msg.text' })
    odd.when(say('a', 'x', { actionId: 1, device: 'b:c' })).then({ type: 'msg.text' })
  })

  it('may leave gaps, and fill one later', () => {
    const gaps = room(act(5), act(900))
    gaps.when(act(7)).then({ action: { id: 7 } })
    gaps.when(act(7)).thenRepeats(9)
    gaps.when(act(3)).then({ action: { id: 3 } })
  })

  it('below the last 64 is too old, whether or not it was used', () => {
    const many = room(...Array.from({ length: actionWindow }, (_, i) => act(10 + i)))
    many.when(act(10)).thenRepeats(7)
    many.when(act(9)).thenRefused('action_too_old', 'actionId')
    many.when(act(100)).then({ type: 'msg.text' })
    many.when(act(10)).thenRefused('action_too_old')
    many.when(act(11)).thenRepeats(8)
    expect((many.room.state.get('device:bob:phone') as { results: unknown[] }).results).toHaveLength(actionWindow)
  })

  it('that was refused may be tried again', () => {
    const muted = room(setPower('ann', { users: { ann: 100 }, eventsDefault: 1 }))
    muted.when(act(1)).thenRefused('forbidden')
    muted.room.do(setPower('ann', { users: { ann: 100 } }))
    muted.when(act(1)).then({ action: { id: 1 } })
  })

  it('has an integer, and one before it', () => {
    for (const actionId of [-1, 1.5, 2 ** 53, Number.NaN, '1' as never]) room().when(act(actionId)).thenRefused('invalid', 'actionId')
    room()
      .when(act(1, { prevActionId: 1 }))
      .thenRefused('invalid', 'prevActionId')
    room()
      .when(say('bob', 'x', { prevActionId: 1 }))
      .thenRefused('invalid', 'prevActionId')
  })
})

describe('the order of one device', () => {
  const second = act(2, { prevActionId: 1, at: 1_000 })

  it('holds: an action waits for the one before it', () => {
    const waiting = room()
    waiting.when(second).thenWaitsFor(1, 11_000)
    waiting.room.do(act(1))
    waiting.when({ ...second, judgedAt: 1_500 }).then({ action: { id: 2, prev: 1 } })
  })

  it("is given up after 10 s of the log's time", () => {
    room()
      .when({ ...second, judgedAt: 10_999 })
      .thenWaitsFor(1, 11_000)
    expect(room().when({ ...second, judgedAt: 11_000 }).decision).toMatchObject({ refused: 'action_gap', retriable: true })
    room(act(7, { at: 11_000 }))
      .when(second)
      .thenRefused('action_gap')
  })

  it('does not wait for what was decided before the window', () => {
    room(...Array.from({ length: actionWindow }, (_, i) => act(10 + i)))
      .when(act(200, { prevActionId: 3 }))
      .then({ action: { id: 200 } })
  })

  it('waits for an unused number inside the window', () => {
    room(act(1), act(5))
      .when(act(6, { prevActionId: 3 }))
      .thenWaitsFor(3, 10_000)
  })

  it('goes on after a refusal that the shell remembers', () => {
    const { state, ...rest } = new TestRoom('r')
    expect(rest).toBeDefined()
    const after = room()
    after.room.state.entries.set(refusedKeyOf(second), noteRefused(undefined, act(1)))
    after.when(second).then({ action: { id: 2 } })
    expect(state.entries.size).toBe(0)
  })
})

describe('remembered refusals', () => {
  it('are the last 64 of a device, each once', () => {
    let entry = noteRefused(undefined, { actionId: 0 })
    for (let id = 0; id <= actionWindow; id++) entry = noteRefused(entry, { actionId: id })
    expect(entry).toHaveLength(actionWindow)
    expect(entry).not.toContain(0)
    expect(noteRefused(entry, {})).toBe(entry)
  })
})

it('events of one command carry its action once', () => {
  const { room: made } = given(createRoom('ann', { name: 'N' }, { actionId: 1 }))
  expect(made.events.filter((event) => event.action)).toEqual([expect.objectContaining({ id: idAt(6) })])
})
