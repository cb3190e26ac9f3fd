import { assertKnown } from '../config/check-options.js';
import { MoovConfigError } from '../errors.js';
import { describeType } from '../utils/value-type.js';
import { assertAccountID, fillAccount, type MoovScope, readScopes, type ScopeSet } from './scopes.js';

/** The target of a call: scopes, and the account that replaces `{accountID}` in them. */
export interface MoovTarget {
  /** Default: those of `moovAuth(scopes)`. */
  scopes?: MoovScope | readonly MoovScope[] | undefined;
  /** A UUID. Default: the option `accountID`, if it is a string. */
  accountID?: string | undefined;
}

/** The target of an Axios instance or a `fetch`, and the priority of its calls. */
export interface MoovClientTarget extends MoovTarget {
  /**
   * Whether its calls let all other calls go first while they wait for Moov's rate limit: for jobs, which no user waits
   * for. They get at least one turn in twenty. Default `false`.
   */
  background?: boolean | undefined;
}

/** The accounts from the options. */
export interface AccountSettings {
  platformAccountID?: string | undefined;
  /** One account for all requests, or a function of the request, which is not used for a target. */
  accountID?: unknown;
}

const members: readonly (keyof MoovTarget)[] = ['scopes', 'accountID'];

/**
 * Splits off the priority of a target.
 *
 * @throws {@link MoovConfigError} for an invalid target, and for a `background` that is neither true nor false.
 */
export function splitTarget(given: MoovClientTarget): { target: MoovTarget; isBackground: boolean } {
  assertKnown({ name: 'target', noun: 'field' }, given, [...members, 'background']);
  const { background = false, ...target } = given;
  if (typeof background !== 'boolean') {
    throw new MoovConfigError(
      `target: expected background to be true or false; got ${describeType(background)}.`,
    );
  }
  return { target, isBackground: background };
}

/**
 * Returns the scopes of a target, with its account filled in, and that account if they have one.
 *
 * @param defaults - The scopes of a target without scopes.
 * @throws {@link MoovScopeError} when an account is missing or no UUID.
 * @throws {@link MoovConfigError} for an invalid target, and for invalid scopes.
 */
export function scopeFor(
  target: MoovTarget,
  defaults: ScopeSet,
  settings: AccountSettings,
): { scope: string; accountID?: string } {
  // A misspelt member would be ignored, and the wrong account would be used.
  assertKnown({ name: 'target', noun: 'field' }, target, members);
  const { scopes, accountID } = target;
  if (accountID !== undefined) assertAccountID(accountID);
  const set = scopes === undefined ? defaults : readScopes(scopes, settings.platformAccountID);
  if (!set.needsAccount) return { scope: set.text };
  const account = accountID ?? fixedAccount(settings);
  return { scope: fillAccount(set, account), ...(account === undefined ? {} : { accountID: account }) };
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
