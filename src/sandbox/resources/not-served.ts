/** Moov's resources, of which the sandbox serves a part of the operations or none: below an account, and at the top. */
const ofAccount = [
  'adjustments',
  'apple-pay',
  'bank-accounts',
  'branding',
  'capabilities',
  'cards',
  'connected-accounts',
  'connections',
  'countries',
  'disputes',
  'fee-plan-agreements',
  'fee-plans',
  'fee-revenue',
  'fees',
  'files',
  'google-pay',
  'images',
  'invoices',
  'merchant-agreement',
  'partner-pricing-agreements',
  'payment-links',
  'payment-methods',
  'products',
  'representatives',
  'residuals',
  'resolution-links',
  'schedules',
  'statements',
  'sweep-configs',
  'terminal-applications',
  'tickets',
  'transfer-config',
  'transfers',
  'underwriting',
  'wallets',
];

const atTheTop = [
  'avatars',
  'card-metadata',
  'debug',
  'end-to-end-keys',
  'enrichment',
  'event-types',
  'images',
  'industries',
  'institutions',
  'issuing',
  'onboarding-invites',
  'product-categories',
  'receipts',
  'terminal-applications',
  'tos-token',
  'underwriting',
  'webhooks',
];

/**
 * Whether a path that the sandbox does not serve is one of Moov's, as a 404 for it would look as if Moov did not know
 * the thing.
 *
 * @see {@link https://docs.moov.io/api/ | Moov: API reference}
 */
export function isOfMoov(pathname: string): boolean {
  const [, first = '', , resource] = pathname.split('/');
  return first === 'accounts' && resource !== undefined
    ? ofAccount.includes(resource)
    : atTheTop.includes(first);
}
