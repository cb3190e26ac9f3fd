import { MoovConfigError } from './errors.js';

type AccountResource =
  | 'apple-pay'
  | 'bank-accounts'
  | 'branding'
  | 'capabilities'
  | 'cards'
  | 'documents'
  | 'files'
  | 'invoices'
  | 'payment-methods'
  | 'profile'
  | 'representatives'
  | 'tickets'
  | 'transfers'
  | 'wallets';

type KnownScope =
  | '/ping.read'
  | '/fed.read'
  | '/profile-enrichment.read'
  | '/institutions.read'
  | '/card-metadata.read'
  | '/terminal-applications.read'
  | '/terminal-applications.write'
  | '/accounts.read'
  | '/accounts.write'
  | `/accounts/${string}/${AccountResource}.${'read' | 'write'}`;

/**
 * A scope of Moov's, such as `/accounts.read` or `/accounts/<account ID>/wallets.read`. Known ones are completed
 * by an editor, any other string is taken as it is.
 *
 * @see {@link https://docs.moov.io/api/authentication/scopes/ | Moov: scopes}
 */
export type MoovScope = KnownScope | (string & {});

/** RFC 6749 section 3.3: `%x21 / %x23-5B / %x5D-7E`. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Brings scopes into their one normal form: trimmed, unique, sorted, joined by single spaces
 * (RFC 6749 section 3.3). Equal sets have equal strings.
 *
 * @param scopes - One string, in which spaces divide scopes, or a list of single scopes.
 * @throws {@link MoovConfigError} for an empty list, or a scope that is not a string, is empty, or has spaces or
 * other characters inside that no scope can have.
 */
export function normaliseScopes(scopes: MoovScope | readonly MoovScope[]): string {
  const list: readonly unknown[] =
    typeof scopes === 'string' ? scopes.split(' ').filter((scope) => scope !== '') : scopes;
  const hint = "Pass scopes as moovAuth(['/accounts.read', '/accounts.write']).";
  if (!Array.isArray(list))
    throw new MoovConfigError(`scopes: expected a string or a list of strings. ${hint}`);
  if (list.length === 0) throw new MoovConfigError(`scopes: expected at least one scope. ${hint}`);
  const unique = new Set<string>();
  for (const [index, item] of list.entries()) {
    const scope = typeof item === 'string' ? item.replace(/^ +| +$/g, '') : '';
    if (!scopeToken.test(scope)) {
      throw new MoovConfigError(
        `scopes[${index}]: expected one scope of printable ASCII characters without spaces, quotes or backslashes. ${hint}`,
      );
    }
    if (/[{}]/.test(scope)) {
      throw new MoovConfigError(
        `scopes[${index}]: placeholders are not filled in; write the account's ID into the scope, as in /accounts/<account ID>/wallets.read.`,
      );
    }
    unique.add(scope);
  }
  return [...unique].sort().join(' ');
}
