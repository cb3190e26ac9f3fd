import { assertKnown } from '../config/check-options.js';
import { assertAccountID, fillAccount, type MoovScope, readScopes, type ScopeSet } from './scopes.js';

/** The target of a call: scopes, and the account that replaces `{accountID}` in them. */
export interface MoovTarget {
  /** Default: those of `moovAuth(scopes)`. */
  scopes?: MoovScope | readonly MoovScope[] | undefined;
  /** A UUID. Default: the option `accountID`, if it is a string. */
  accountID?: string | undefined;
}

/** The accounts from the options. */
export interface AccountSettings {
  platformAccountID?: string | undefined;
  /** One account for all requests, or a function of the request, which is not used for a target. */
  accountID?: unknown;
}

const members: readonly (keyof MoovTarget)[] = ['scopes', 'accountID'];

/**
 * Returns the scopes of a target, with its account filled in.
 *
 * @param defaults - The scopes of a target without scopes.
 * @throws {@link MoovScopeError} when an account is missing or no UUID.
 * @throws {@link MoovConfigError} for an invalid target, and for invalid scopes.
 */
export function scopeFor(target: MoovTarget, defaults: ScopeSet, settings: AccountSettings): string {
  // A misspelt member would be ignored, and the wrong account would be used.
  assertKnown({ name: 'target', noun: 'field' }, target, members);
  const { scopes, accountID } = target;
  if (accountID !== undefined) assertAccountID(accountID);
  const set = scopes === undefined ? defaults : readScopes(scopes, settings.platformAccountID);
  return set.needsAccount ? fillAccount(set, accountID ?? fixedAccount(settings)) : set.text;
}

/** Returns the scopes of the start-up token; `undefined` if they need an account. */
export function startUpScope(scopes: ScopeSet, settings: AccountSettings): string | undefined {
  const accountID = fixedAccount(settings);
  if (!scopes.needsAccount) return scopes.text;
  return accountID === undefined ? undefined : fillAccount(scopes, accountID);
}

function fixedAccount({ accountID }: AccountSettings): string | undefined {
  return typeof accountID === 'string' ? accountID : undefined;
}
