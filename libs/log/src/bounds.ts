/** Every bound of the log port. Bytes count key, value and headers of records, without the framing of a storage. */
export const bounds = {
  /** One append: one atomic record batch. Below Kafka's default `max.message.bytes` (1,048,588) with room for framing. */
  appendBytesMax: 1_000_000,
  /** Records of one append, so that one batch is decoded in a few milliseconds. */
  appendRecordsMax: 10_000,
  /** What one `read` gives where the caller names no bound; always at least one record. */
  readBytesMax: 1_048_576,
  /** What a tail hands on in one batch. */
  tailBytesMax: 1_048_576,
  /** What waits to be written in one process, in bytes; beyond it `produce` is `unavailable`. */
  produceBytesMax: 67_108_864,
  /** How long `onRevoked` may take before somebody else is granted its partitions. */
  revokeMsMax: 10_000,
  /** How long a process goes on trying to join its group when it starts. */
  joinMsMax: 60_000,
  /** First and longest pause before a failed read is tried again. */
  retryMsMin: 20,
  retryMsMax: 2_000,
} as const
