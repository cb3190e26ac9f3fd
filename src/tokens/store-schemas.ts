import { z } from 'zod';
import { LONGEST_LIFE_MS } from '../oauth/lifetime.js';
import { bearer, refresh } from '../oauth/response-schemas.js';

/** A token as returned by a store. One that is not a valid header value, or has no lifetime, would fail calls. */
export const storedToken = z.object({
  accessToken: bearer,
  refreshToken: refresh.optional(),
  scope: z.string().optional(),
  lifeMs: z.number().positive().max(LONGEST_LIFE_MS),
  renewAtLeftMs: z.number().nonnegative(),
});

const generation = z.string();

const unreadable = z.boolean().optional();

/** The answers of `acquire`. */
export const answer = z.discriminatedUnion('state', [
  z.object({ state: z.literal('token'), token: storedToken, generation, leftMs: z.number() }),
  z.object({
    state: z.literal('locked'),
    lock: z.object({ key: z.string(), id: z.string(), generation }),
    unreadable,
  }),
  z.object({ state: z.literal('held'), leftMs: z.number(), unreadable }),
]);

/** The answers of `put`: the new generation; nothing when the lock was overtaken; or `forgotten`. */
export const putAnswer = z.union([generation, z.undefined(), z.object({ state: z.literal('forgotten') })]);

/** The answers of `revoke`. */
export const revokeAnswer = z.union([
  storedToken,
  z.undefined(),
  z.object({ tokens: z.array(storedToken), unreadable }),
]);

/** The warnings of a store's check. */
export const warnings = z.array(z.string()).optional();

/** The notification of a change in a store. */
export const change = z.object({
  key: z.string(),
  kind: z.enum(['stored', 'released', 'failed', 'revoked']),
});
