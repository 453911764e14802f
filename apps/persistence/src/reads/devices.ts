import { devicesOf } from '../store/devices.js'
import { type Answer, jsonWith, type Reading } from './read.js'

/** The user's devices, those seen last first. */
export async function devices({ dataSource, principal }: Reading): Promise<Answer> {
  const texts = (await devicesOf(dataSource, principal.user)).map((device) =>
    jsonWith({ ...device, current: device.device === principal.device || undefined }),
  )
  return jsonWith({}, { devices: `[${texts.join(',')}]` })
}
