import { z } from 'zod';
import { LONGEST_LIFE_MS } from '../oauth/lifetime.js';
import { bearer, refresh } from '../oauth/response-schemas.js';

/** A token as a store gives it back. What can't stand in a header, or has no life, would fail calls. */
export const storedToken = z.object({
  accessToken: bearer,
  refreshToken: refresh.optional(),
  scope: z.string().optional(),
  lifeMs: z.number().positive().max(LONGEST_LIFE_MS),
  renewAtLeftMs: z.number().nonnegative(),
});

const generation = z.string();

const unreadable = z.boolean().optional();

/** What `acquire` may answer. */
export const answer = z.discriminatedUnion('state', [
  z.object({ state: z.literal('token'), token: storedToken, generation, leftMs: z.number() }),
  z.object({
    state: z.literal('locked'),
    lock: z.object({ key: z.string(), id: z.string(), generation }),
    unreadable,
  }),
  z.object({ state: z.literal('held'), leftMs: z.number(), unreadable }),
]);

/** What `put` may answer: the new generation, nothing when the lock was overtaken, or that the store has forgotten. */
export const putAnswer = z.union([generation, z.undefined(), z.object({ state: z.literal('forgotten') })]);

/** What `revoke` may answer. */
export const revokeAnswer = z.union([
  storedToken,
  z.undefined(),
  z.object({ tokens: z.array(storedToken), unreadable }),
]);

/** What a store has to report about itself. */
export const warnings = z.array(z.string()).optional();

/** What a store tells those who watch it. */
export const change = z.object({
  key: z.string(),
  kind: z.enum(['stored', 'released', 'failed', 'revoked']),
});
