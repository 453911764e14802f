import { profileOf } from '../store/profile.js'
import { type Answer, jsonWith, notFound, type Reading } from './read.js'

/** Name and avatar of a user: as they set them, else as they came into a room. */
export async function profile({ dataSource, input }: Reading): Promise<Answer> {
  const found = await profileOf(dataSource, input.user)
  return found ? jsonWith({ user: input.user, name: found.name, avatar: found.avatar }) : notFound()
}
