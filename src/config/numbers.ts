import { z } from 'zod';
import { LONGEST_TIMER_MS } from '../utils/timers.js';
import { describeType } from '../utils/value-type.js';
import { type Wording, wording } from './parse-options.js';

/** A time of which a timer can be made. */
export const milliseconds = z.int().min(1).max(LONGEST_TIMER_MS);
export const ofMilliseconds: Wording = {
  expected: `a whole number of milliseconds from 1 to ${LONGEST_TIMER_MS}`,
  got: describeType,
};

export const retries = z.int().min(0).max(10);
export const ofRetries: Wording = { expected: 'a whole number from 0 to 10', got: describeType };

/** The option `maxTokens`, wherever there is one. */
export const maxTokens = z.int().min(1).max(1_000_000).default(10_000).register(wording, {
  expected: 'a whole number from 1 to 1,000,000',
  got: describeType,
});
