import { expect } from 'vitest';
import { MoovAuthError } from '../../src/index.js';
import { full } from '../helpers/full.js';
import { badTokens, echoes, failures, oneOfEach, someOf, type TokenFault } from './token-faults.js';

/** An error and its causes, each to be looked at for itself. */
export function causes(error: unknown): Record<string, unknown> {
  const parts: Record<string, unknown> = {};
  let depth = 0;
  for (let one = error; one instanceof Error; one = one.cause) parts[`error, cause ${depth++}`] = one;
  return parts;
}

/** Checks that an error is the one that a fault is documented to cause. */
export function expectTyped(error: unknown, fault: TokenFault): void {
  expect(error).toBeInstanceOf(MoovAuthError);
  // On a busy machine the time may be up before the last attempt; the fault is its cause then.
  expect(Reflect.get(Object(error), 'code')).toMatch(new RegExp(`${fault.code}|ERR_MOOV_TIMEOUT`));
}

// What an error holds is decided in `MoovOAuthClient`, which meets every fault, below. What stands above it, and the
// transports below it, meet one of each kind. A quick run has one step less of each.
export const above = full ? oneOfEach : someOf;
export const below = full ? (faults: readonly TokenFault[]) => faults : oneOfEach;
export const tokenFaults = [...failures, ...echoes, ...badTokens];
