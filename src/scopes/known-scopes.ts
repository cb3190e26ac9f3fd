/** What both a read and a write scope of an account exist for. */
const accountResources = [
  'apple-pay',
  'bank-accounts',
  'branding',
  'capabilities',
  'cards',
  'documents',
  'files',
  'invoices',
  'payment-methods',
  'profile',
  'representatives',
  'tickets',
  'transfers',
  'wallets',
] as const;

const otherPermissions = [
  'issued-cards.read',
  'issued-cards.read-secure',
  'terminal-configuration.read',
  'profile.disconnect',
] as const;

/** The scopes that belong to no account. */
export const unboundScopes = [
  '/ping.read',
  '/fed.read',
  '/profile-enrichment.read',
  '/institutions.read',
  '/card-metadata.read',
  '/terminal-applications.read',
  '/terminal-applications.write',
  '/accounts.read',
  '/accounts.write',
] as const;

/**
 * What a scope of an account permits.
 *
 * @inline
 */
export type AccountPermission =
  | `${(typeof accountResources)[number]}.${'read' | 'write'}`
  | (typeof otherPermissions)[number];

const known: readonly string[] = [
  ...unboundScopes,
  ...[...accountResources.flatMap((name) => [`${name}.read`, `${name}.write`]), ...otherPermissions].map(
    (permission) => `/accounts/{accountID}/${permission}`,
  ),
];

/**
 * Says what is most likely wrong with scopes that Moov would refuse, or take for others, without a word. Any scope may
 * be right, as Moov has new ones now and then.
 *
 * @param scopes - Single scopes, in which `{accountID}` may be left.
 * @returns a sentence for each slip.
 */
export function findScopeSlips(scopes: readonly string[]): string[] {
  return scopes.flatMap((scope) => slipIn(scope) ?? []);
}

function slipIn(scope: string): string | undefined {
  // Without account IDs, so that the same slip has the same message for each account.
  const form = scope.replace(/\/accounts\/[^/,]+\//g, '/accounts/{accountID}/');
  if (/^\/.*,/.test(scope)) {
    return `The scope ${form} has a comma in it. Divide scopes by spaces, or pass a list.`;
  }
  if (/^\/accounts\/\{accountID\}\/transfers\./.test(scope)) {
    const right = scope.replace('{accountID}', '{platformAccountID}');
    return `The scope ${scope} is for the transfers of a connected account, which Moov refuses: transfer scopes take the platform's own account, as in ${right}.`;
  }
  if (known.includes(form)) return undefined;
  const meant = known.find((candidate) => isOneLetterOff(form, candidate));
  return meant && `The scope ${form} is not one of Moov's known scopes. Did you mean ${meant}?`;
}

/** Whether one letter is wrong, missing or too many, or two neighbours are exchanged. */
function isOneLetterOff(text: string, other: string): boolean {
  let start = 0;
  while (start < text.length && text[start] === other[start]) start++;
  let end = 0;
  const most = Math.min(text.length, other.length) - start;
  while (end < most && text.at(-1 - end) === other.at(-1 - end)) end++;
  const [rest, otherRest] = [text.slice(start, text.length - end), other.slice(start, other.length - end)];
  if (rest.length <= 1 && otherRest.length <= 1) return true;
  return rest.length === 2 && otherRest === [...rest].reverse().join('');
}
