/**
 * Every bound of the authority, with its default; an authority may be given others (`Partial<Bounds>`).
 * A partition's worst case in memory is their sum, besides the state of its rooms.
 */
export const bounds = {
  /** Commands of one partition that are read and not yet decided; beyond it the tail waits. */
  waitingCommandsMax: 10_000,
  waitingBytesMax: 16_777_216,
  /** Commands of one batch. */
  batchCommandsMax: 1_000,
  /** Records of one batch by their bytes; below the log's own bound for one append. */
  batchBytesMax: 700_000,
  /** How long a refusal may wait for a batch that carries its `cmd`, before a mark does. */
  markDelayMsMax: 20,
  /** Commands that wait for their `prevActionId`. */
  parkedPerDeviceMax: 64,
  parkedMax: 1_000,
  /** Devices whose refused actions are remembered, so that a successor which comes later does not wait for them. */
  refusedDevicesMax: 1_000,
  /** Refusals that are remembered by origin. */
  refusedOriginsMax: 1_000,
  /** Follow-ups that are not acknowledged; beyond it deciding waits. */
  followUpsMax: 20_000,
  /** Follow-ups of one write to a target. */
  followUpBatchMax: 200,
  followUpBatchBytesMax: 700_000,
  /** Answers that are not written; beyond it deciding waits. */
  answersMax: 20_000,
  /** Answers of one write. */
  answerBatchMax: 1_000,
  /** How long the last answers may take when a partition is handed over. */
  handOverMsMax: 1_000,
  /** Referenced events kept, of all partitions of this process. */
  referenceBytesMax: 67_108_864,
  /** How long the history of a trimmed log may take to answer. */
  historyMsMax: 2_000,
  /** One chunk of a room's entries; beyond it the room's number of chunks is doubled. */
  chunkBytesMax: 65_536,
  chunksMax: 16_384,
  /** A checkpoint begins after so many records, or so long after the last where there are any. */
  checkpointEventsMax: 20_000,
  checkpointMsMax: 30_000,
  /** How often a quiet partition is asked whether its checkpoint is due. */
  wakeMs: 10_000,
  /** One write of a checkpoint. */
  checkpointBytesMax: 524_288,
  /** Work without giving the process's other tasks a turn. */
  sliceMsMax: 25,
  /** How often a partition that needs repair is looked at again. */
  repairMs: 30_000,
  /** Partitions that are taken over at the same time. */
  takeoversMax: 8,
  /** First and longest pause before a failed write or a failed partition is tried again. */
  retryMsMin: 50,
  retryMsMax: 5_000,
}

export type Bounds = Readonly<typeof bounds>
