/** A log inside one process, shared by the handles that `openLog` gives for one URL: a store, its listeners, its groups. */
import { RoomlogError } from '../failure.js'
import { Group } from './group.js'
import type { Store, StoredTopic } from './store.js'

export class LocalCore {
  readonly groups = new Map<string, Group>()
  private readonly listeners = new Map<string, Set<() => void>>()

  constructor(
    readonly url: string,
    readonly partitions: number,
    readonly store: Store,
    readonly revokeMsMax: number,
    /** What may lose acknowledged events, in plain words. */
    readonly risks: readonly string[] = [],
  ) {
    store.visible = (topic, partition) => this.changed(topic, partition)
  }

  /** @throws RoomlogError `unavailable` for a topic that was not created, `invalid` for a partition it does not have. */
  topic(name: string, partition = 0): StoredTopic {
    const topic = this.store.topic(name)
    if (!topic) throw new RoomlogError('unavailable', `there is no topic ${name}: prepare() creates it`)
    if (!Number.isInteger(partition) || partition < 0 || partition >= topic.partitions) {
      throw new RoomlogError('invalid', `${name} has ${topic.partitions} partitions: there is no partition ${partition}`)
    }
    return topic
  }

  group(name: string): Group {
    let group = this.groups.get(name)
    if (!group) this.groups.set(name, (group = new Group(this.revokeMsMax)))
    return group
  }

  /** Calls `listener` whenever the partition has more to read. Returns the way to end that. */
  listen(topic: string, partition: number, listener: () => void): () => void {
    const key = `${topic}/${partition}`
    let set = this.listeners.get(key)
    if (!set) this.listeners.set(key, (set = new Set()))
    set.add(listener)
    return () => {
      set.delete(listener)
      if (set.size === 0 && this.listeners.get(key) === set) this.listeners.delete(key)
    }
  }

  private changed(topic: string, partition: number): void {
    for (const listener of this.listeners.get(`${topic}/${partition}`) ?? []) listener()
  }
}
