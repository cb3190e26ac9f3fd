import supertest from 'supertest';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type MoovAuthEvent, MoovRevokeError, MoovUnavailableError } from '../../src/index.js';
import { allow, appOf, expressVersions, pingWith } from '../helpers/apps.js';
import { startMoov } from '../helpers/moov.js';
import { type Relay, startBehindRelay } from './relay.js';

const TOKEN = '/oauth2/token';
const REVOKE = '/oauth2/revoke';

/** The revocations that the tokens of the first, second ... token reply must lead to, in order. */
function revocationsOf(relay: Relay, tokenReply: number): object[] {
  const reply = relay.requests.filter(({ path }) => path === TOKEN)[tokenReply]?.reply;
  return [
    { token: reply?.refresh_token, token_type_hint: 'refresh_token' },
    { token: reply?.access_token, token_type_hint: 'access_token' },
  ];
}

describe('what revoke() revokes', () => {
  test('the refresh token first, because it could get new access tokens, then the access token', async () => {
    const { relay, moov } = await startBehindRelay();
    await moov.ready();
    await moov.revoke();
    expect(relay.revocations).toEqual(revocationsOf(relay, 0));
    expect(relay.revocations[0]?.token).toEqual(expect.any(String));
  });

  test('only the access token if there is no refresh token (RFC 6749 section 4.4.3)', async () => {
    const { sandbox, moov } = await startMoov({}, { refreshTokens: false });
    const token = await moov.accessToken();
    await moov.revoke();
    expect(sandbox.stats).toMatchObject({ revokeRequests: 1, tokensRevoked: 1 });
    expect(await pingWith(sandbox, token)).toBe(401);
  });

  test('nothing twice', async () => {
    const { sandbox, moov } = await startMoov();
    await moov.ready();
    await Promise.all([moov.revoke(), moov.revoke(), moov.revoke()]);
    await moov.revoke();
    expect(sandbox.stats).toMatchObject({ revokeRequests: 2, tokensRevoked: 2 });
    expect(moov.status().pendingRevocations).toBe(0);
  });

  test('the next call requests a new token, and nothing before', async () => {
    const { sandbox, moov } = await startMoov();
    const old = await moov.accessToken();
    await moov.revoke();
    expect(moov.status()).toEqual({ state: 'starting', tokens: 0, pendingRevocations: 0 });
    expect(sandbox.stats.tokensMinted).toBe(1);
    expect((await moov.client.get('/ping')).status).toBe(200);
    expect(await moov.accessToken()).not.toBe(old);
    expect(sandbox.stats).toMatchObject({ tokensMinted: 2, unauthorized: 0 });
    expect(moov.status().state).toBe('ready');
  });
});

describe('a revocation is not forgotten', () => {
  test.each([
    { what: 'Moov is failing', status: 503, error: MoovUnavailableError },
    { what: 'Moov is over its limit', status: 429, error: MoovUnavailableError },
    { what: 'the key is refused', status: 401, error: MoovRevokeError },
    { what: 'the token is refused', status: 400, error: MoovRevokeError, body: '{"error":"no"}' },
    { what: 'the token is refused with 200', status: 200, error: MoovRevokeError, body: '{"error":"no"}' },
    { what: 'a gateway answers 200 with a page', status: 200, error: MoovUnavailableError },
    { what: 'a gateway answers 400 with a page', status: 400, error: MoovUnavailableError },
  ])('$what: pending until the next revoke() has 2xx', async ({ status, error, body }) => {
    const events: MoovAuthEvent[] = [];
    const { relay, sandbox, moov } = await startBehindRelay({ onEvent: (event) => void events.push(event) });
    const token = await moov.accessToken();
    const type = body === undefined ? 'text/html' : 'application/json';
    relay.answer(REVOKE, status, { 'retry-after': '60', 'content-type': type }, body ?? '<p>Welcome</p>');
    await expect(moov.revoke()).rejects.toThrow(error);
    // Out of service, though Moov would still take it.
    expect(moov.status()).toEqual({ state: 'starting', tokens: 0, pendingRevocations: 2 });
    expect(await pingWith(sandbox, token)).toBe(200);
    expect(events.at(-1)).toMatchObject({ type: 'token.revokeFailed', pendingRevocations: 2 });

    relay.answer(REVOKE, undefined);
    const before = relay.revocations.length;
    await moov.revoke();
    expect(relay.revocations.slice(before)).toEqual(revocationsOf(relay, 0));
    expect(moov.status().pendingRevocations).toBe(0);
    expect(await pingWith(sandbox, token)).toBe(401);
    expect(events.at(-1)).toMatchObject({ type: 'token.revoked', pendingRevocations: 0 });
  });

  test('tokens that were dropped since are added to the pending ones', async () => {
    const { relay, moov } = await startBehindRelay();
    await moov.ready();
    relay.answer(REVOKE, 503, { 'retry-after': '60' });
    await expect(moov.revoke()).rejects.toThrow(MoovUnavailableError);
    await moov.ready();
    await expect(moov.revoke()).rejects.toThrow(MoovUnavailableError);
    expect(moov.status().pendingRevocations).toBe(4);

    relay.answer(REVOKE, undefined);
    const before = relay.revocations.length;
    await moov.revoke();
    const told = relay.revocations.slice(before);
    // Several pairs may be on their way at once; within a pair the refresh token is first.
    for (const pair of [revocationsOf(relay, 0), revocationsOf(relay, 1)]) {
      expect(told.filter(({ token }) => pair.some((one) => 'token' in one && one.token === token))).toEqual(
        pair,
      );
    }
    expect(told).toHaveLength(4);
    expect(moov.status().pendingRevocations).toBe(0);
  });

  test('the token is out of service before Moov is asked', async () => {
    const { relay, moov } = await startBehindRelay();
    const old = await moov.accessToken();
    const hold = relay.holdNextReply(REVOKE);
    const revoking = moov.revoke();
    expect(moov.status()).toEqual({ state: 'starting', tokens: 0, pendingRevocations: 2 });
    await hold.reached;
    expect(await moov.accessToken()).not.toBe(old);
    hold.release();
    await revoking;
    expect(moov.status()).toMatchObject({ state: 'ready', tokens: 1, pendingRevocations: 0 });
  });

  test('a failure that is resolved within the same revoke() is not reported', async () => {
    const { sandbox, moov } = await startMoov();
    await moov.ready();
    sandbox.fail({ path: REVOKE, status: 503 });
    await moov.revoke();
    expect(sandbox.stats).toMatchObject({ revokeRequests: 3, tokensRevoked: 2 });
  });

  // Fails: moovAuth() flushes twice though no renewal is in flight, and keeps the first flush's error.
  test('one token that is refused does not keep the others from being revoked, and is asked for once', async () => {
    const { sandbox, moov } = await startMoov();
    const token = await moov.accessToken();
    sandbox.fail({ path: REVOKE, status: 400 });
    await expect(moov.revoke()).rejects.toThrow(MoovRevokeError);
    expect(await pingWith(sandbox, token)).toBe(401);
    expect(moov.status().pendingRevocations).toBe(1);
    expect(sandbox.stats).toMatchObject({ revokeRequests: 2, tokensRevoked: 1 });
    await moov.revoke();
    expect(moov.status().pendingRevocations).toBe(0);
    expect(sandbox.stats).toMatchObject({ revokeRequests: 3, tokensRevoked: 2 });
  });
});

describe('a renewal that a revocation overtakes', () => {
  test('is let finish, and its result is revoked and never handed out', async () => {
    const { relay, sandbox, moov } = await startBehindRelay();
    await moov.ready();
    const hold = relay.holdNextReply(TOKEN);
    const waiting = moov.renew().then(() => moov.accessToken());
    await hold.reached;

    const revoking = moov.revoke();
    hold.release();
    const [token] = await Promise.all([waiting, revoking]);
    expect(relay.revocations).toEqual([...revocationsOf(relay, 0), ...revocationsOf(relay, 1)]);
    // Those who waited have the token of the third reply, the next generation.
    const replies = relay.requests
      .filter(({ path }) => path === TOKEN)
      .map(({ reply }) => reply.access_token);
    expect(replies).toHaveLength(3);
    expect(token).toBe(replies[2]);
    expect(await pingWith(sandbox, token)).toBe(200);
    expect(moov.status()).toMatchObject({ state: 'ready', tokens: 1, pendingRevocations: 0 });
  });

  test('the first one too, before there was a token: all waiting callers join one renewal', async () => {
    const { relay, sandbox, moov } = await startBehindRelay();
    const hold = relay.holdNextReply(TOKEN);
    const waiting = Promise.all([
      moov.ready(),
      moov.client.get('/ping'),
      moov.client.get('/ping'),
      moov.accessToken(),
    ]);
    await hold.reached;
    const revoking = moov.revoke();
    hold.release();
    const [, first, second, token] = await waiting;
    await revoking;
    expect([first.status, second.status]).toEqual([200, 200]);
    const replies = relay.requests
      .filter(({ path }) => path === TOKEN)
      .map(({ reply }) => reply.access_token);
    expect(replies).toEqual([expect.any(String), token]);
    expect(relay.revocations).toEqual(revocationsOf(relay, 0));
    expect(await pingWith(sandbox, token)).toBe(200);
    expect(sandbox.stats.unauthorized).toBe(0);
  });

  test('its token is pending if it cannot be revoked', async () => {
    const { relay, moov } = await startBehindRelay();
    await moov.ready();
    const hold = relay.holdNextReply(TOKEN);
    const waiting = moov.renew();
    await hold.reached;
    relay.answer(REVOKE, 503, { 'retry-after': '60' });
    const revoking = expect(moov.revoke()).rejects.toThrow(MoovUnavailableError);
    hold.release();
    await Promise.all([waiting, revoking]);
    expect(moov.status()).toMatchObject({ tokens: 1, pendingRevocations: 4 });
  });

  // Fails: moovAuth() waits for the renewal, up to tokenTimeoutMs, outside the 10 s.
  test('does not make revoke() wait for longer than 10 s: its token is revoked when it arrives', async () => {
    const { relay, moov } = await startBehindRelay({ tokenTimeoutMs: 60_000 });
    await moov.ready();
    const hold = relay.holdNextReply(TOKEN);
    const waiting = moov.renew();
    await hold.reached;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());

    let outcome = 'none';
    const revoking = moov.revoke().then(
      () => {
        outcome = 'revoked';
      },
      (error: unknown) => {
        outcome = error instanceof MoovUnavailableError ? error.code : String(error);
      },
    );
    while (moov.status().pendingRevocations > 0) await new Promise(setImmediate);
    vi.advanceTimersByTime(10_050);
    for (let turn = 0; outcome === 'none' && turn < 50; turn += 1) await new Promise(setImmediate);
    const outcomeAfter10s = outcome;

    hold.release();
    await Promise.all([waiting, revoking]);
    while (relay.revocations.length < 4) await new Promise(setImmediate);
    expect(relay.revocations).toEqual([...revocationsOf(relay, 0), ...revocationsOf(relay, 1)]);
    expect(outcomeAfter10s).toBe('ERR_MOOV_TIMEOUT');
  });

  test('one that fails leaves nothing to revoke', async () => {
    const { relay, sandbox, moov } = await startBehindRelay();
    await moov.ready();
    const hold = relay.holdNextReply(TOKEN);
    sandbox.fail({ path: TOKEN, status: 401 });
    const waiting = moov.renew();
    await hold.reached;
    const revoking = moov.revoke();
    hold.release();
    await Promise.all([waiting, revoking]);
    expect(relay.revocations).toEqual(revocationsOf(relay, 0));
    expect(moov.status()).toMatchObject({ state: 'ready', tokens: 1, pendingRevocations: 0 });
  });
});

describe.each(expressVersions)('by the router on $name', ({ express }) => {
  test('a token that POST /revoke could not revoke is pending, and the next one revokes it', async () => {
    const { relay, sandbox, moov } = await startBehindRelay();
    const token = await moov.accessToken();
    const app = appOf(express, ['/oauth', moov.revokeRouter({ guard: allow })]);
    relay.answer(REVOKE, 503, { 'retry-after': '60' });
    const first = await supertest(app).post('/oauth/revoke');
    expect(first.status).toBe(503);
    expect(first.headers['retry-after']).toBe('60');
    expect(moov.status().pendingRevocations).toBe(2);

    relay.answer(REVOKE, undefined);
    expect((await supertest(app).post('/oauth/revoke')).status).toBe(200);
    expect(moov.status().pendingRevocations).toBe(0);
    expect(await pingWith(sandbox, token)).toBe(401);
  });
});
