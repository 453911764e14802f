/**
 * Whether an event's type says that its content is encrypted: `msg.encrypted`, or any that ends so. A room says it of all its
 * events with `room.mode` `{encrypted: true}`. Such contents are never taken for text.
 */
export const isMarkedEncrypted = (type: string): boolean => type.endsWith('.encrypted')
