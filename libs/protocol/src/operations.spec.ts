import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { identifierFault, isOwnType, operation, operationOfType, operations, pathMembers, readOfOp } from './operations.js'

describe('the operation table', () => {
  it('has every name and every route once', () => {
    const names = operations.map((of) => of.name)
    expect(new Set(names).size).toBe(names.length)
    const routes = operations.flatMap((of) => of.routes.map((route) => `${of.method} ${route.replaceAll(/\{\w+\}/g, '{}')}`))
    expect(new Set(routes).size).toBe(routes.length)
  })

  it('has every path member in its schema, and every schema as JSON Schema', () => {
    for (const of of operations) {
      for (const route of of.routes)
        for (const name of pathMembers(route)) expect(Object.keys(of.input.shape), `${of.name} ${route}`).toContain(name)
      expect(() => z.toJSONSchema(of.input, { io: 'input' })).not.toThrow()
      expect(() => z.toJSONSchema(of.output)).not.toThrow()
      expect(of.kind === 'command').toBe(of.command !== undefined)
    }
  })

  it('turns inputs into commands and keeps content as it stands', () => {
    const content = '{"n":12345678901234567890}'
    expect(operation('publish').command?.({ room: 'r', type: 'msg.text', content, actionId: 3 })).toEqual({
      type: 'msg.text',
      room: 'r',
      content,
      actionId: 3,
    })
    expect(operation('kick').command?.({ room: 'r', user: 'bob', reason: 'x' })).toEqual({
      type: 'member.kick',
      room: 'r',
      user: 'bob',
      content: '{"reason":"x"}',
    })
    expect(operation('createRoom').command?.({ alias: '#home', access: 'public' })).toEqual({
      type: 'room.create',
      content: '{"access":"public","history":"shared","alias":"home"}',
    })
    expect(operation('setState').command?.({ room: 'r', type: 'app.x', content: 'null' })).toMatchObject({ key: '', content: 'null' })
    expect(operation('publish').command?.({ room: 'r', type: 'room.alias', key: '#home', content: '{}' })).toMatchObject({ key: 'home' })
    expect(operation('publishSystem').command?.({ type: 'files.new', channels: ['files'], readers: ['any'], content })).toMatchObject({
      room: 'system.files',
    })
  })

  it('finds the operation of a type, and none for what only the authority gives', () => {
    expect(operationOfType('member.kick')?.name).toBe('kick')
    expect(operationOfType('room.create')?.name).toBe('createRoom')
    expect(operationOfType('app.order.shipped')?.name).toBe('publish')
    expect(operationOfType('room.name')?.name).toBe('publish')
    for (const type of ['room.created', 'alias.claim', 'member.attest', 'time.passed', 'room.joined']) {
      expect(operationOfType(type)).toBeUndefined()
      expect(isOwnType(type)).toBe(true)
    }
    expect(readOfOp('history')?.name).toBe('history')
    expect(readOfOp('publish')).toBeUndefined()
  })
})

describe('an identifier', () => {
  it('has one canonical form of at most 255 bytes without control characters', () => {
    for (const good of ['a', 'Ünï-☃-😀', 'x'.repeat(255), '{}"\\ ']) expect(identifierFault(good)).toBeUndefined()
    for (const bad of ['', 'a\0', 'a\n', '\u007f', '\u0085', 'e\u0301', '\ud800', 'x'.repeat(256), 'é'.repeat(128), 'a\u2028']) {
      expect(identifierFault(bad), JSON.stringify(bad)).toBeTypeOf('string')
    }
    expect(identifierFault('', { empty: true })).toBeUndefined()
  })
})
