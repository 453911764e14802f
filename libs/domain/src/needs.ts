import type { Command } from './command.js'
import { messageNeeds } from './message.js'
import { roomKind } from './room-id.js'

/** The IDs of the events that `decide` must be given for this command. */
export function needs(command: Command): string[] {
  if (command.rights.internal || isFact.test(command.type)) return none
  return roomKind(command.room) === 'inbox' ? none : messageNeeds(command)
}

/** Commands that refer to nothing by ID: what they answer or end is in the room's state. */
const isFact = /^(member|alias)\.|^room\.(create|delete)$/
const none: string[] = []
