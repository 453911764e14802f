import type { Answer, Reading } from './read.js'
import { jsonWith } from './read.js'

export async function initialSync(_reading: Reading): Promise<Answer> {
  return jsonWith({})
}
