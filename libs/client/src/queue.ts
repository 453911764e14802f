/** Deliveries on their way to one async iterator. The owner keeps it bounded by looking at `size`. */
export class Queue<Item> implements AsyncIterator<Item> {
  #items: Item[] = []
  #waiting: { resolve(result: IteratorResult<Item>): void; reject(error: unknown): void }[] = []
  #ended: { error?: unknown } | undefined

  constructor(private readonly hooks: { onTaken(): void; onReturn(): void }) {}

  get size(): number {
    return this.#items.length
  }

  push(item: Item): void {
    if (this.#ended) return
    const waiting = this.#waiting.shift()
    if (waiting) waiting.resolve({ value: item, done: false })
    else this.#items.push(item)
  }

  /** What is queued is still handed out, then the end or the error. */
  end(error?: unknown): void {
    if (this.#ended) return
    this.#ended = error === undefined ? {} : { error }
    for (const waiting of this.#waiting.splice(0)) {
      if (error === undefined) waiting.resolve({ value: undefined, done: true })
      else waiting.reject(error)
    }
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift()!
      this.hooks.onTaken()
      return Promise.resolve({ value, done: false })
    }
    if (!this.#ended) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
    if ('error' in this.#ended) {
      const { error } = this.#ended
      this.#ended = {}
      return Promise.reject(error)
    }
    return Promise.resolve({ value: undefined, done: true })
  }

  return(): Promise<IteratorResult<Item>> {
    this.#items = []
    this.end()
    this.hooks.onReturn()
    return Promise.resolve({ value: undefined, done: true })
  }
}
