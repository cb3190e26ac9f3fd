import { MoovConfigError, MoovScopeError } from '../errors.js';
import { describeType, isObject } from '../utils/value-type.js';
import type { AccountPermission, unboundScopes } from './known-scopes.js';

/** @inline */
type KnownScope =
  | (typeof unboundScopes)[number]
  | `/accounts/{accountID}/${AccountPermission}`
  | `/accounts/{platformAccountID}/transfers.${'read' | 'write'}`;

/** @inline */
type FilledScope = `/accounts/${string}/${AccountPermission}`;

/**
 * A scope: `/accounts.read`, `/accounts/<account ID>/wallets.read`, or with a placeholder,
 * `/accounts/{accountID}/wallets.read` and `/accounts/{platformAccountID}/transfers.write`. Editors complete the
 * known scopes. Any other string is accepted unchanged.
 *
 * @see {@link https://docs.moov.io/api/authentication/scopes/ | Moov: scopes}
 */
export type MoovScope = KnownScope | FilledScope | (string & {});

/** A set of scopes in normal form: trimmed, unique, sorted, joined by single spaces. */
export interface ScopeSet {
  readonly text: string;
  /** Whether it contains `{accountID}`. */
  readonly needsAccount: boolean;
}

/** RFC 6749 section 3.3: `%x21 / %x23-5B / %x5D-7E`. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const placeholder = '{accountID}';

/** Where scopes were given, for messages. */
export type ScopeTaker = 'moovAuth' | 'browserTokenRouter';

const hints: Readonly<Record<ScopeTaker, string>> = {
  moovAuth: "Pass scopes as moovAuth(['/accounts.read', '/accounts.write']).",
  browserTokenRouter: "Pass them as browserTokenRouter({ guard, scopes: ['/accounts.read'] }).",
};

/** Moov's scopes without an account, without their first slash, and the prefix of all others. */
const slashless =
  /^(accounts\/|(accounts|terminal-applications)\.(read|write)$|(ping|fed|profile-enrichment|institutions|card-metadata)\.read$)/;

/** @throws {@link MoovConfigError} for a value that is neither a string nor a list, such as a request. */
export function assertScopes(
  scopes: unknown,
  taker: ScopeTaker = 'moovAuth',
): asserts scopes is MoovScope | readonly MoovScope[] {
  if (typeof scopes === 'string' || Array.isArray(scopes)) return;
  const mounted = isObject(scopes) && 'headers' in scopes;
  throw new MoovConfigError(
    mounted
      ? 'scopes: got a request. Call moovAuth: app.use(moovAuth(scopes)).'
      : `${place(taker)}: expected a string or a list of strings; got ${describeType(scopes)}. ${hints[taker]}`,
  );
}

/**
 * Converts scopes to their normal form (RFC 6749 section 3.3), so that equal sets have equal texts, and fills in the
 * platform account.
 *
 * @param scopes - One string with scopes separated by spaces, or a list of single scopes.
 * @throws {@link MoovConfigError} for an empty list; a scope that is not a string, is empty, or has spaces or other
 * characters inside that no scope can have; one of Moov's scopes without its first slash, or with `:accountID` in it;
 * an unknown placeholder; and `{platformAccountID}` without that option.
 */
export function readScopes(
  scopes: MoovScope | readonly MoovScope[],
  platformAccountID: string | undefined,
  taker: ScopeTaker = 'moovAuth',
): ScopeSet {
  assertScopes(scopes, taker);
  const list: readonly unknown[] =
    typeof scopes === 'string' ? scopes.split(' ').filter((scope) => scope !== '') : scopes;
  if (list.length === 0) {
    throw new MoovConfigError(`${place(taker)}: expected at least one scope. ${hints[taker]}`);
  }
  const unique = new Set<string>();
  for (const [index, item] of list.entries()) {
    const scope = typeof item === 'string' ? item.replace(/^ +| +$/g, '') : '';
    if (!scopeToken.test(scope)) {
      throw new MoovConfigError(
        `${place(taker, index)}: expected one scope of printable ASCII characters without spaces, quotes or backslashes. ${hints[taker]}`,
      );
    }
    assertForm(scope, place(taker, index));
    unique.add(fillPlatform(scope, place(taker, index), platformAccountID));
  }
  return scopeSet(unique);
}

function place(taker: ScopeTaker, index?: number): string {
  const scopes = index === undefined ? 'scopes' : `scopes[${index}]`;
  return taker === 'moovAuth' ? scopes : `${taker}: ${scopes}`;
}

/** Finds two mistakes to which Moov would answer with a bare 401 or 403, at the first call instead of at start-up. */
function assertForm(scope: string, where: string): void {
  const [beginning] = slashless.exec(scope) ?? [];
  if (beginning !== undefined) {
    const right = beginning === 'accounts/' ? 'accounts/{accountID}/wallets.read' : beginning;
    throw new MoovConfigError(`${where}: expected a slash at its beginning, as in '/${right}'.`);
  }
  if (/^\/accounts\/:/.test(scope)) {
    throw new MoovConfigError(
      `${where}: expected the account as {accountID}, such as '/accounts/{accountID}/wallets.read'; got a parameter of a route, with a colon.`,
    );
  }
}

/** Returns the normal form of valid single scopes. */
export function scopeSet(scopes: Iterable<string>): ScopeSet {
  const text = [...new Set(scopes)].sort().join(' ');
  return { text, needsAccount: text.includes(placeholder) };
}

function fillPlatform(scope: string, where: string, platformAccountID: string | undefined): string {
  if (scope.includes('{platformAccountID}') && platformAccountID === undefined) {
    throw new MoovConfigError(
      `${where} has the placeholder {platformAccountID}: set the option platformAccountID, or MOOV_ACCOUNT_ID.`,
    );
  }
  const filled = scope.replaceAll('{platformAccountID}', platformAccountID?.toLowerCase() ?? '');
  if (/[{}]/.test(filled.replaceAll(placeholder, ''))) {
    throw new MoovConfigError(
      `${where}: the placeholders are {accountID} and {platformAccountID}; there is no other.`,
    );
  }
  return filled;
}

/**
 * Returns the scopes with the account filled in.
 *
 * @param accountID - Any value, as it may come from a request. Only a UUID is accepted, so that it cannot add scopes.
 * @throws {@link MoovScopeError} without an ID, naming the scope and how to supply one; and for an ID that is not a
 * UUID, without its value.
 */
export function fillAccount({ text }: ScopeSet, accountID: unknown): string {
  if (accountID === undefined) {
    const scope = text.split(' ').find((candidate) => candidate.includes(placeholder));
    throw new MoovScopeError(
      `The scope ${scope} needs an account: set the option accountID, mount the middleware on a route with :accountID, or use moov.clientFor({ accountID }).`,
    );
  }
  assertAccountID(accountID);
  // Sorting comes last, because the ID decides the order among scopes of several accounts.
  return scopeSet(text.replaceAll(placeholder, accountID.toLowerCase()).split(' ')).text;
}

/** @throws {@link MoovScopeError} for anything but a UUID, without its value. */
export function assertAccountID(accountID: unknown): asserts accountID is string {
  if (typeof accountID === 'string' && uuid.test(accountID)) return;
  throw new MoovScopeError('accountID: expected an account ID, which is a UUID.');
}

/** What an event says of space-delimited scopes: each of them, and the accounts that they name. */
export function describeScopes(scope: string): { scopes: string[]; accounts: string[] } {
  const scopes = scope.split(' ');
  const accounts = scopes.flatMap((one) => /^\/accounts\/([^/]+)\//.exec(one)?.[1] ?? []);
  return { scopes, accounts: [...new Set(accounts)] };
}

/** Returns the scopes of `asked` that are not in `granted`; both space-delimited. */
export function missingScopes(asked: string, granted: string): string[] {
  const held = new Set(granted.split(' '));
  return asked.split(' ').filter((scope) => !held.has(scope));
}
