/** What a user is after each membership event. */
export const membershipAfter: Readonly<Record<string, string>> = {
  'member.join': 'joined',
  'member.invite': 'invited',
  'member.knock': 'knocking',
  'member.leave': 'left',
  'member.kick': 'left',
  'member.ban': 'banned',
  'member.unban': 'left',
}
