/**
 * Moov's scopes, kept apart from those of the package under test on purpose.
 *
 * @see {@link https://docs.moov.io/api/authentication/scopes/ | Moov: scopes}
 */
const unbound = new Set([
  '/ping.read',
  '/fed.read',
  '/profile-enrichment.read',
  '/institutions.read',
  '/card-metadata.read',
  '/terminal-applications.read',
  '/terminal-applications.write',
  '/accounts.read',
  '/accounts.write',
]);

const readable = ['issued-cards', 'terminal-configuration'];

const readableAndWritable = [
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
];

// A placeholder that was left in, such as {accountID}, is not an account's ID.
const bound = /^\/accounts\/[\w-]+\/(?<permission>[a-z-]+\.[a-z-]+)$/;

const permissions = new Set([
  ...readable.map((resource) => `${resource}.read`),
  ...readableAndWritable.flatMap((resource) => [`${resource}.read`, `${resource}.write`]),
  'issued-cards.read-secure',
  'profile.disconnect',
]);

/** Whether Moov has such a scope. An account in it need not exist. */
export function isKnownScope(scope: string): boolean {
  const permission = bound.exec(scope)?.groups?.permission;
  return unbound.has(scope) || (permission !== undefined && permissions.has(permission));
}
