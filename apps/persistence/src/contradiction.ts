/** The log and the tables contradict each other, or the log itself: reading again does not help, so the partition stops. */
export class Contradiction extends Error {
  override readonly name = 'Contradiction'
}
