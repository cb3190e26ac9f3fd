import { describe, expect, test, vi } from 'vitest';
import { MoovConfigError, MoovUnavailableError, verifyMoovWebhook } from '../../src/index.js';
import { fastClock, heldClock } from '../helpers/fast-clock.js';
import { expectNoSecret, rejection } from '../helpers/printed.js';
import { event, secret, signedHeaders } from './deliveries.js';

type Secret = string | readonly string[];

function verify(read: () => Secret | Promise<string>, key = secret): Promise<unknown> {
  return verifyMoovWebhook({ headers: signedHeaders({ secret: key }), body: event }, { secret: read });
}

describe('a function as secret', () => {
  test('may return one secret or several, at once or later', async () => {
    for (const result of [secret, [secret, 'another'], Promise.resolve(secret), Promise.resolve([secret])]) {
      const read = () => result;
      const options = { secret: read };
      expect(await verifyMoovWebhook({ headers: signedHeaders(), body: event }, options)).toEqual(event);
    }
  });

  test('is called again after 60 s, whatever the signatures are', async () => {
    const pass = heldClock();
    const read = vi.fn(() => (read.mock.calls.length > 1 ? 'the next one' : secret));
    await Promise.all(Array.from({ length: 100 }, () => verify(read)));
    await Promise.all(Array.from({ length: 100 }, () => rejection(verify(read, 'of an attacker'))));
    pass(59_999);
    await verify(read);
    expect(read).toHaveBeenCalledTimes(1);
    pass(1);
    await verify(read, 'the next one');
    expect(read).toHaveBeenCalledTimes(2);
  });

  test('is not called when a header is missing or not valid', async () => {
    const read = vi.fn(() => secret);
    for (const name of Object.keys(signedHeaders())) {
      const headers = { ...signedHeaders(), [name]: undefined };
      await rejection(verifyMoovWebhook({ headers, body: event }, { secret: read }));
    }
    const headers = signedHeaders({ timestamp: 'yesterday' });
    await rejection(verifyMoovWebhook({ headers, body: event }, { secret: read }));
    expect(read).toHaveBeenCalledTimes(0);
  });

  test.each([
    ['of another secret', 'f'.repeat(128)],
    ['in upper case', 'F'.repeat(128)],
    ['too short', 'f'],
    ['too long', 'f'.repeat(4_000)],
    ['no hexadecimal', 'signature'],
  ])('is called for a wrong signature like for any other: %s', async (_what, signature) => {
    const read = vi.fn(() => secret);
    const headers = { ...signedHeaders(), 'x-signature': signature };
    const error = await rejection(verifyMoovWebhook({ headers, body: event }, { secret: read }));
    expect(error).toMatchObject({ code: 'ERR_MOOV_WEBHOOK_SIGNATURE' });
    expect(read).toHaveBeenCalledTimes(1);
  });

  test('that fails is 503, with the failure as cause, and is called again after 1 s', async () => {
    const pass = heldClock();
    const failure = new Error('the secret store is down');
    const read = vi.fn((): string => {
      if (read.mock.calls.length === 1) throw failure;
      return secret;
    });
    const errors = await Promise.all(Array.from({ length: 100 }, () => rejection(verify(read))));
    for (const error of errors) {
      expect(error).toBeInstanceOf(MoovUnavailableError);
      expect(error).toMatchObject({ code: 'ERR_MOOV_KEY_UNREADABLE', status: 503, cause: failure });
    }
    pass(999);
    await rejection(verify(read));
    expect(read).toHaveBeenCalledTimes(1);
    pass(1);
    expect(await verify(read)).toEqual(event);
  });

  test('that does not answer within 5 s is 503', async () => {
    fastClock();
    const error = await rejection(verify(() => new Promise<string>(() => undefined)));
    expect(error).toMatchObject({
      code: 'ERR_MOOV_KEY_UNREADABLE',
      message: expect.stringContaining('5000 ms'),
    });
  });

  test.each<[what: string, returned: () => Secret]>([
    ['an empty string', () => ''],
    ['a line break, as of a file', () => `${secret}\n`],
    ['an empty list', () => []],
    ['undefined', () => JSON.parse('{}').secret],
    ['a number', () => JSON.parse('12345678')],
  ])('that returns something else is an error of the configuration: %s', async (_what, read) => {
    const error = await rejection(verify(read));
    expect(error).toBeInstanceOf(MoovConfigError);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^secret: expected the webhook's signing secret/),
    });
    expectNoSecret(error, secret, '12345678');
  });
});
