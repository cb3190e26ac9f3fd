import { createSecretKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { assertKnown } from '../config/check-options.js';
import { gotInList, parseOptions, withVariables, wording, wrongOption } from '../config/parse-options.js';
import { secretText } from '../config/secret-text.js';
import { describeType } from '../utils/value-type.js';
import { type SecretFunction, secretsOf } from './secrets.js';

/** Options of `moovWebhook` and `verifyMoovWebhook`. */
export interface MoovWebhookOptions {
  /**
   * The webhook's signing secret, from Moov's dashboard. Each webhook, and each mode (test, production), has its own. A
   * list accepts each of its secrets, for a rotation. A function is called when a delivery has all its headers, and its
   * result is used for 60 seconds; it must answer within 5 seconds. Else `MOOV_WEBHOOK_SECRET`.
   */
  secret?: string | readonly string[] | SecretFunction | undefined;
  /**
   * How far `X-Timestamp` may be from the server's clock, in the past or in the future, in milliseconds. Default 300,000
   * (5 minutes). `Infinity` accepts every timestamp.
   */
  toleranceMs?: number | undefined;
}

const secrets = z.union([secretText, z.array(secretText).min(1)]);

const schema = z.object({
  secret: z
    .union([secrets, z.custom<SecretFunction>((value) => typeof value === 'function')])
    .register(wording, {
      expected:
        "the webhook's signing secret: a non-empty string without line breaks, quotes around it or blanks at its ends, a list of such strings, or a function that returns either",
      variables: ['MOOV_WEBHOOK_SECRET'],
      got: gotSecret,
    }),
  toleranceMs: z
    .custom<number>(
      (value) => value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && Number(value) > 0),
    )
    .default(300_000)
    .register(wording, {
      expected: 'a whole number of milliseconds of at least 1, or Infinity',
      got: describeType,
    }),
});

/** The options, complete and checked. */
export interface WebhookSettings {
  /** Returns the secrets. */
  readonly secrets: () => Promise<readonly KeyObject[]>;
  readonly toleranceMs: number;
}

/**
 * @param name - What the options are given to, for messages.
 * @throws {@link MoovConfigError} naming the option and what was expected; never a secret.
 */
export function readWebhookOptions(name: string, options: unknown, env = process.env): WebhookSettings {
  assertKnown({ name }, options, Object.keys(schema.shape));
  const given = Object.fromEntries(withVariables(schema, options, env));
  const { secret, toleranceMs } = parseOptions({ name }, schema, given);
  if (typeof secret === 'function') return { secrets: secretsOf(secret, toKeys), toleranceMs };
  const keys = Promise.resolve(toKeys(secret));
  return { secrets: () => keys, toleranceMs };
}

/** @throws {@link MoovConfigError} when a function has returned something else. */
function toKeys(value: unknown): readonly KeyObject[] {
  const parsed = secrets.safeParse(value);
  if (!parsed.success) throw wrongOption(schema, 'secret', value);
  return [parsed.data].flat().map((secret) => createSecretKey(Buffer.from(secret)));
}

function gotSecret(value: unknown): string {
  return gotInList(value, (secret) => secretText.safeParse(secret).success);
}
