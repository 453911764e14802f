import { refusalCodes } from '@roomlog/domain'
import { describe, expect, it } from 'vitest'
import { closeCodes, codes, comeBack, isCode, refusalError, wireError } from './codes.js'

describe('the table of codes', () => {
  it('holds every refusal of the domain and the codes of the doors', () => {
    expect(Object.keys(codes).sort()).toEqual([...refusalCodes, 'unauthenticated', 'unknown', 'wrong_epoch'].sort())
  })

  it('knows nothing inherited', () => {
    expect(isCode('forbidden')).toBe(true)
    expect(isCode('toString')).toBe(false)
    expect(isCode(undefined)).toBe(false)
  })

  it('says that unavailable and unknown are worth a repeat', () => {
    expect(wireError('unknown')).toMatchObject({ code: 'unknown', retriable: true })
    expect(wireError('forbidden', 'no', { field: 'type' })).toEqual({ code: 'forbidden', message: 'no', retriable: false, field: 'type' })
  })

  it('carries what a refusal adds', () => {
    expect(refusalError({ refused: 'conflict', message: 'm', lastActionId: 4 })).toEqual({
      code: 'conflict',
      message: 'm',
      retriable: false,
      lastActionId: 4,
    })
  })

  it('tells from the range of a close code whether to come back', () => {
    expect(Object.keys(closeCodes).map((code) => comeBack(Number(code)))).toEqual([
      ...Array(3).fill('at_once'),
      ...Array(2).fill('after_delay'),
      ...Array(6).fill('no'),
    ])
    expect(comeBack(1006)).toBe('after_delay')
  })
})
