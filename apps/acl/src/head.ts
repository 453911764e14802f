import type { Head } from '@roomlog/protocol'

/** Nothing is covered: the replay starts at the log's first record. */
export const emptyHead: Head = { through: 0, cmd: -1, parked: [], causes: {}, incarnation: '', stands: 0, at: 0 }
