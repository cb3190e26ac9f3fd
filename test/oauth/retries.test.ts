import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { MoovConfigError, MoovUnavailableError } from '../../src/index.js';
import { withRetries } from '../../src/oauth/retry.js';
import { Timers } from '../../src/utils/timers.js';
import { fastClock } from '../helpers/fast-clock.js';
import { type Answer, type Received, refusingURL, serve } from '../helpers/http-server.js';
import { rejection } from '../helpers/printed.js';
import { clientOf, grant, KEY, tokenReply } from './helpers.js';

const unavailable: Answer = { status: 503 };

/** Waits between consecutive requests. */
function waits(requests: readonly Received[]): number[] {
  return requests.slice(1).map(({ at }, index) => at - (requests[index]?.at ?? 0));
}

describe('how many requests arrive', () => {
  beforeEach(() => fastClock());

  test.each<[string, Answer]>([
    ['503', unavailable],
    ['500', { status: 500 }],
    ['504', { status: 504 }],
    ['429', { status: 429 }],
    ['a cut connection', 'drop'],
    ['a truncated body', 'truncate'],
    ['an HTML page instead of a token', { headers: { 'content-type': 'text/html' }, body: '<p>' }],
  ])('three attempts for %s', async (_, answer) => {
    const server = await serve(answer);
    await rejection(clientOf(server.url).createAccessToken(grant));
    expect(server.requests).toHaveLength(3);
  });

  test.each<[string, Answer]>([
    ['400', { status: 400, body: { error: 'no' } }],
    ['401', { status: 401 }],
    ['403', { status: 403 }],
    ['422', { status: 422, body: { scope: 'no' } }],
    ['a redirect', { status: 302, headers: { location: '/' } }],
  ])('one for %s: what Moov refuses is not asked again', async (_, answer) => {
    const server = await serve(answer);
    const client = clientOf(server.url);
    await rejection(client.createAccessToken(grant));
    await rejection(client.revokeAccessToken({ token: 't' }));
    expect(server.requests.map(({ path }) => path)).toEqual(['/oauth2/token', '/oauth2/revoke']);
  });

  test.each([
    ['a failure', unavailable],
    ['a page with 200', { headers: { 'content-type': 'text/html' }, body: '<p>' }],
  ])('revocation is tried three times too: %s', async (_, answer) => {
    const server = await serve(answer);
    await rejection(clientOf(server.url).revokeAccessToken({ token: 't' }));
    expect(server.requests).toHaveLength(3);
  });

  test('a success ends the retries, and so does a refusal', async () => {
    const server = await serve([unavailable, tokenReply({ access_token: 'second' })]);
    expect((await clientOf(server.url).createAccessToken(grant)).accessToken).toBe('second');
    expect(server.requests).toHaveLength(2);

    const refusing = await serve(['drop', { status: 401 }]);
    const error = await rejection(clientOf(refusing.url).createAccessToken(grant));
    expect(error).toMatchObject({ code: 'ERR_MOOV_CREDENTIALS_REFUSED' });
    expect(refusing.requests).toHaveLength(2);
  });

  test('the last failure is reported', async () => {
    const server = await serve([
      'drop',
      { status: 500 },
      { status: 503, headers: { 'x-request-id': 'last' } },
    ]);
    const error = await rejection(clientOf(server.url).createAccessToken(grant));
    expect(error).toMatchObject({ upstreamStatus: 503, requestId: 'last' });
  });

  test.each([0, 1, 4, 10])('retries: %i, for the client or for one call', async (retries) => {
    const server = await serve(unavailable);
    const limits = { timeoutMs: 1_000 };
    await rejection(clientOf(server.url, { retries, ...limits }).createAccessToken(grant));
    expect(server.requests).toHaveLength(retries + 1);
    await rejection(clientOf(server.url, limits).revokeAccessToken({ token: 't' }, { retries }));
    expect(server.requests).toHaveLength(2 * (retries + 1));
  });

  test('the waits grow, and are fractions of the whole time', async () => {
    const server = await serve(unavailable);
    await rejection(clientOf(server.url, { timeoutMs: 1_000 }).createAccessToken(grant));
    const [first = 0, second = 0] = waits(server.requests);
    expect(first).toBeGreaterThan(85);
    expect(second).toBeGreaterThan(265);
  });
});

describe('Retry-After', () => {
  beforeEach(() => fastClock());

  test('is respected within the time limit', async () => {
    const server = await serve([{ status: 429, headers: { 'retry-after': '1' } }, tokenReply()]);
    await clientOf(server.url, { timeoutMs: 8_000 }).createAccessToken(grant);
    const [wait = 0] = waits(server.requests);
    expect(wait).toBeGreaterThan(990);
  });

  test('ends the call at once if it exceeds the remaining time', async () => {
    const server = await serve({ status: 503, headers: { 'retry-after': '60' } });
    const began = performance.now();
    const error = await rejection(clientOf(server.url, { timeoutMs: 30_000 }).createAccessToken(grant));
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(error).toMatchObject({ code: 'ERR_MOOV_SERVER_ERROR', headers: { 'Retry-After': '60' } });
    expect(server.requests).toHaveLength(1);
  });
});

describe('timeoutMs', () => {
  test('limits the whole operation, not each attempt', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const timers = new Timers();
    const options = { timeoutMs: 1_000, retries: 2, signal: undefined, timers };
    const began = performance.now();
    let attempts = 0;
    const operation = withRetries(options, async (signal) => {
      attempts++;
      await timers.sleep(attempts === 1 ? 600 : 60_000, signal);
      throw new MoovUnavailableError('dropped', { code: 'ERR_MOOV_NETWORK' });
    });
    const ended = rejection(operation).then((error) => ({ error, afterMs: performance.now() - began }));
    await vi.advanceTimersByTimeAsync(10_000);
    const { error, afterMs } = await ended;
    expect(error).toMatchObject({
      code: 'ERR_MOOV_TIMEOUT',
      message: 'Moov gave no response within 1000 ms',
    });
    expect(afterMs).toBe(1_000);
    expect(attempts).toBe(2);
  });

  test('ends the attempt in flight', async () => {
    fastClock();
    const server = await serve(['drop', 'hang']);
    const error = await rejection(clientOf(server.url, { timeoutMs: 2_000 }).createAccessToken(grant));
    expect(error).toMatchObject({
      code: 'ERR_MOOV_TIMEOUT',
      message: 'Moov gave no response within 2000 ms',
    });
    expect(server.requests).toHaveLength(2);
  });

  test('of one call replaces the client’s', async () => {
    const server = await serve('hang');
    const error = await rejection(
      clientOf(server.url, { timeoutMs: 60_000 }).createAccessToken(grant, { timeoutMs: 50 }),
    );
    expect(error).toMatchObject({ message: 'Moov gave no response within 50 ms' });
  });

  test('leaves no listener on the caller’s signal, however the call ends', async () => {
    const { signal } = new AbortController();
    const server = await serve([tokenReply(), { status: 401 }, unavailable, { status: 204 }]);
    const client = clientOf(server.url);
    await client.createAccessToken(grant, { signal });
    await rejection(client.createAccessToken(grant, { signal }));
    await client.revokeAccessToken({ token: 't' }, { signal });
    expect(server.requests).toHaveLength(4);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('signal', () => {
  const reason = new Error('the user went away');

  test('aborted before the call: nothing is sent', async () => {
    const server = await serve(tokenReply());
    const signal = AbortSignal.abort(reason);
    expect(await rejection(clientOf(server.url).createAccessToken(grant, { signal }))).toBe(reason);
    expect(await rejection(clientOf(server.url).revokeAccessToken({ token: 't' }, { signal }))).toBe(reason);
    expect(server.requests).toEqual([]);
  });

  test.each<[string, Answer]>([
    ['while the server is silent', 'hang'],
    ['while the body comes', 'stall'],
  ])('%s: the call ends at once with the reason', async (_, answer) => {
    const server = await serve(answer);
    const client = clientOf(server.url, { timeoutMs: 60_000 });
    for (const operation of ['createAccessToken', 'revokeAccessToken'] as const) {
      const controller = new AbortController();
      const { signal } = controller;
      const call =
        operation === 'createAccessToken'
          ? client.createAccessToken(grant, { signal })
          : client.revokeAccessToken({ token: 't' }, { signal });
      const count = server.requests.length + 1;
      await server.arrived(count);
      controller.abort(reason);
      expect(await rejection(call)).toBe(reason);
      expect(server.requests).toHaveLength(count);
    }
  });

  test('during the wait before a retry: no further request', async () => {
    const server = await serve({ status: 429, headers: { 'retry-after': '30' } });
    const controller = new AbortController();
    const began = performance.now();
    const call = clientOf(server.url, { timeoutMs: 60_000 }).createAccessToken(grant, {
      signal: controller.signal,
    });
    await server.arrived(1);
    controller.abort(reason);
    expect(await rejection(call)).toBe(reason);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(server.requests).toHaveLength(1);
  });

  test('AbortSignal.timeout rejects with its TimeoutError', async () => {
    const server = await serve('hang');
    const error = await rejection(
      clientOf(server.url).createAccessToken(grant, { signal: AbortSignal.timeout(50) }),
    );
    expect(error).toMatchObject({ name: 'TimeoutError' });
  });
});

describe('a key from functions', () => {
  beforeEach(() => fastClock());

  test('is read for each token, so that it rotates without a restart', async () => {
    const server = await serve(tokenReply());
    let version = 0;
    const client = clientOf(server.url, {
      clientAuth: 'body',
      clientId: () => `id-${++version}`,
      clientSecret: async () => `secret-${version}`,
    });
    expect(version).toBe(0);
    await client.createAccessToken(grant);
    await client.createAccessToken(grant);
    expect(server.requests.map(({ form }) => [form.client_id, form.client_secret])).toEqual([
      ['id-1', 'secret-1'],
      ['id-2', 'secret-2'],
    ]);
  });

  test('is read again for each attempt', async () => {
    const server = await serve([unavailable, tokenReply()]);
    let version = 0;
    await clientOf(server.url, {
      clientAuth: 'body',
      clientSecret: () => `secret-${++version}`,
    }).createAccessToken(grant);
    expect(server.requests.map(({ form }) => form.client_secret)).toEqual(['secret-1', 'secret-2']);
  });

  const broken = new Error('vault sealed');
  test.each<[string, () => string | Promise<string>]>([
    [
      'throws',
      () => {
        throw broken;
      },
    ],
    ['rejects', () => Promise.reject(broken)],
  ])('one that %s makes Moov unavailable; nothing is sent', async (_, fail) => {
    const server = await serve(tokenReply());
    for (const name of ['clientId', 'clientSecret'] as const) {
      const error = await rejection(clientOf(server.url, { [name]: fail }).createAccessToken(grant));
      expect(error).toBeInstanceOf(MoovUnavailableError);
      expect(error).toMatchObject({
        code: 'ERR_MOOV_KEY_UNREADABLE',
        status: 503,
        message: `${name}: its function failed`,
        cause: broken,
      });
    }
    expect(server.requests).toEqual([]);
  });

  test('a function that fails once is called again', async () => {
    const server = await serve(tokenReply());
    let calls = 0;
    const clientSecret = () => {
      calls += 1;
      if (calls === 1) throw broken;
      return 'found';
    };
    await clientOf(server.url, { clientSecret }).createAccessToken(grant);
    expect(server.requests).toHaveLength(1);
  });

  test.each([undefined, null, '', 42, {}, ['s'], 'line\nbreak'])(
    'a function that returns %j is a MoovConfigError, which names option and variables',
    async (value) => {
      const server = await serve(tokenReply());
      // As plain JavaScript may have it.
      const options: object = { clientSecret: () => value };
      const error = await rejection(clientOf(server.url, options).createAccessToken(grant));
      expect(error).toBeInstanceOf(MoovConfigError);
      expect(String(error)).toMatch(/clientSecret: expected .* MOOV_CLIENT_SECRET or MOOV_SECRET_KEY/);
      expect(String(error)).not.toContain('42');
      expect(server.requests).toEqual([]);
    },
  );

  test('a function that never returns is abandoned after timeoutMs, and at once on abort', async () => {
    const server = await serve(tokenReply());
    const client = clientOf(server.url, { clientSecret: () => new Promise<string>(() => undefined) });
    const late = await rejection(client.createAccessToken(grant, { timeoutMs: 50 }));
    expect(late).toBeInstanceOf(MoovUnavailableError);
    expect(late).toMatchObject({ code: 'ERR_MOOV_KEY_UNREADABLE' });

    const controller = new AbortController();
    const reason = new Error('enough');
    const call = client.revokeAccessToken({ token: 't' }, { signal: controller.signal, timeoutMs: 60_000 });
    controller.abort(reason);
    expect(await rejection(call)).toBe(reason);
    expect(server.requests).toEqual([]);
  });

  test('is not read if a request has its own key', async () => {
    const server = await serve(tokenReply());
    const client = clientOf(server.url, {
      clientSecret: () => {
        throw broken;
      },
    });
    await expect(client.createAccessToken({ ...grant, ...KEY })).resolves.toMatchObject({ status: 200 });
  });
});

test('a refused connection is retried too', async () => {
  fastClock();
  let reads = 0;
  const client = clientOf(await refusingURL(), {
    clientId: () => {
      reads += 1;
      return 'id';
    },
  });
  expect(await rejection(client.createAccessToken(grant))).toMatchObject({ code: 'ERR_MOOV_NETWORK' });
  expect(reads).toBe(3);
});
