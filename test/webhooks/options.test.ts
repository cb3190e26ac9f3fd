import { describe, expect, test } from 'vitest';
import { MoovConfigError, moovWebhook } from '../../src/index.js';
import { readWebhookOptions } from '../../src/webhooks/options.js';
import { expectNoSecret, shown } from '../helpers/printed.js';

const env = { MOOV_WEBHOOK_SECRET: 'of-the-environment' };

function messageOf(options: unknown, variables: Record<string, string> = {}): string {
  try {
    readWebhookOptions('moovWebhook', options, variables);
  } catch (error) {
    expect(error).toBeInstanceOf(MoovConfigError);
    expectNoSecret(error, 'a-secret', 'of-the-environment');
    return error instanceof Error ? error.message : '';
  }
  return 'none';
}

async function secretsFor(options: object, variables: Record<string, string>): Promise<string[]> {
  const keys = await readWebhookOptions('moovWebhook', options, variables).secrets();
  return keys.map((key) => key.export().toString());
}

describe('the secret', () => {
  test('comes from the option, or else from the environment', async () => {
    expect(await secretsFor({}, env)).toEqual(['of-the-environment']);
    expect(await secretsFor({ secret: undefined }, env)).toEqual(['of-the-environment']);
    expect(await secretsFor({ secret: 'own' }, env)).toEqual(['own']);
    expect(await secretsFor({ secret: ['own', 'next'] }, env)).toEqual(['own', 'next']);
  });

  test.each<[what: string, options: unknown, variables: Record<string, string>, got: string]>([
    ['none', {}, {}, 'got none. Set it in the options or as MOOV_WEBHOOK_SECRET.'],
    ['an empty variable', {}, { MOOV_WEBHOOK_SECRET: '' }, 'got none.'],
    [
      'a variable with a line break',
      {},
      { MOOV_WEBHOOK_SECRET: 'a-secret\n' },
      'got a string with a line break at its end.',
    ],
    ['an empty string', { secret: '' }, env, 'got an empty string.'],
    ['a string in quotes', { secret: '"a-secret"' }, env, 'got a string in quotes.'],
    ['a number', { secret: 12345 }, env, 'got a number.'],
    ['an empty list', { secret: [] }, env, 'got an empty list.'],
    [
      'a list with an empty string',
      { secret: ['a-secret', ''] },
      env,
      'got an empty string at place 2 of 2.',
    ],
    ['a list with undefined', { secret: [undefined] }, env, 'got none at place 1 of 1.'],
  ])('is refused: %s', (_what, options, variables, got) => {
    const message = messageOf(options, variables);
    expect(message).toMatch(/^secret: expected the webhook's signing secret: /);
    expect(message).toContain(got);
  });
});

describe('toleranceMs', () => {
  test.each([1, 60_000, Number.MAX_SAFE_INTEGER, Infinity])('may be %s', (toleranceMs) => {
    expect(readWebhookOptions('moovWebhook', { toleranceMs }, env).toleranceMs).toBe(toleranceMs);
  });

  test('is 5 minutes by default', () => {
    expect(readWebhookOptions('moovWebhook', {}, env).toleranceMs).toBe(300_000);
  });

  test.each([0, -1, 1.5, Number.NaN, '300000', null])('is refused: %s', (toleranceMs) => {
    expect(messageOf({ toleranceMs }, env)).toMatch(
      /^toleranceMs: expected a whole number of milliseconds of at least 1, or Infinity; got /,
    );
  });
});

test.each<[what: string, options: unknown, message: RegExp]>([
  ['an unknown option', { secrets: 'a-secret' }, /unknown option "secrets"\. Did you mean "secret"\?/],
  ['a secret alone', 'a-secret', /^moovWebhook: expected an object of options; got a string\.$/],
  ['null', null, /^moovWebhook: expected an object of options; got null\.$/],
])('%s is refused', (_what, options, message) => {
  expect(messageOf(options, env)).toMatch(message);
});

test('the middleware throws when it is made without a secret, and shows none when it has one', () => {
  expect(() => moovWebhook()).toThrow(MoovConfigError);
  const middleware = moovWebhook({ secret: 'a-secret' });
  expect(shown(middleware)).not.toContain('a-secret');
});
