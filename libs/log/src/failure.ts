/** A failure: the environment broke. Retried, where `retriable`, only at a process's outer loop. */
export class RoomlogError extends Error {
  constructor(
    readonly code: 'unknown' | 'unavailable' | 'out_of_range' | 'damaged' | 'not_durable' | 'invalid' | 'wrong_epoch',
    message: string,
    readonly options: { retriable?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'RoomlogError'
  }

  get retriable(): boolean {
    return this.options.retriable ?? (this.code === 'unknown' || this.code === 'unavailable')
  }
}
