import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { type MoovAuthOptions, memoryTokenStore, moovAuth, type TokenStore } from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { failure, startMoov, startSandbox } from '../helpers/moov.js';

/** Two of one fleet, and the sandbox they get their tokens from. */
async function startTwo() {
  const sandbox = await startSandbox();
  const options = { ...sandbox.options, store: memoryTokenStore() };
  const one = moovAuth('/ping.read', options);
  const other = moovAuth('/ping.read', options);
  onTestFinished(async () => void (await Promise.all([one.close(), other.close()])));
  await Promise.all([one.ready(), other.ready()]);
  return { sandbox, one, other };
}

/** One that holds that many tokens, each for an account of its own, and the sandbox they came from. */
async function startPool(tokens: number, options: MoovAuthOptions = {}) {
  const sandbox = await startSandbox();
  const moov = moovAuth('/accounts/{accountID}/wallets.read', { ...sandbox.options, ...options });
  onTestFinished(() => moov.close());
  await Promise.all(Array.from({ length: tokens }, () => moov.accessToken({ accountID: randomUUID() })));
  return { sandbox, moov };
}

it('gives back a token that is held and stored once', async () => {
  const { sandbox, one, other } = await startTwo();
  await one.revoke();
  await one.revoke();
  expect(sandbox.stats).toMatchObject({ tokensMinted: 1, revokeRequests: 2, tokensRevoked: 2 });
  expect(one.status().pendingRevocations).toBe(0);
  expect(other.status().tokens).toBe(0);
});

it('gives back the newer token of another too', async () => {
  const { sandbox, one, other } = await startTwo();
  await other.renew();
  expect(await other.accessToken()).not.toBe(await one.accessToken());
  await one.revoke();
  expect(sandbox.stats).toMatchObject({ tokensMinted: 2, revokeRequests: 4, tokensRevoked: 4 });
});

it('takes each of many tokens out of the store once', async () => {
  const base = memoryTokenStore();
  const taken: string[] = [];
  const store: TokenStore = {
    ...base,
    revoke: (key) => {
      taken.push(key);
      return base.revoke(key);
    },
  };
  const { sandbox, moov } = await startPool(120, { store });
  await moov.revoke();
  expect(new Set(taken).size).toBe(120);
  expect(taken).toHaveLength(120);
  expect(sandbox.stats).toMatchObject({ tokensRevoked: 240 });
});

it('waits for a Moov that is slow to revoke', async () => {
  fastClock();
  const { sandbox, moov } = await startMoov();
  await moov.ready();
  sandbox.fail({ path: '/oauth2/revoke', delayMs: 1_200 });
  await moov.revoke();
  expect(sandbox.stats).toMatchObject({ revokeRequests: 2, tokensRevoked: 2 });
});

it('tries each of many tokens, also when one is refused', async () => {
  const { sandbox, moov } = await startPool(30);
  sandbox.fail({ path: '/oauth2/revoke', status: 400, body: { error: 'unsupported_token_type' } });
  await moov.revoke().catch(() => undefined);
  expect(sandbox.stats).toMatchObject({ revokeRequests: 60, tokensRevoked: 59 });
  expect(moov.status().pendingRevocations).toBe(1);
});

it('asks a Moov that is down about a few of many tokens; all are pending, and revoked when it is back', async () => {
  const { sandbox, moov } = await startPool(40);
  const headers = { 'retry-after': '60' };
  sandbox.fail({ path: '/oauth2/revoke', status: 503, headers, times: 10 });
  expect(await failure(moov.revoke())).toMatchObject({ code: 'ERR_MOOV_SERVER_ERROR' });
  // One request for each of the ten at once: neither an access token of theirs nor the next would have fared better.
  expect(sandbox.stats).toMatchObject({ revokeRequests: 10, tokensRevoked: 0 });
  expect(moov.status()).toMatchObject({ tokens: 0, pendingRevocations: 80 });
  await moov.revoke();
  expect(sandbox.stats.tokensRevoked).toBe(80);
  expect(moov.status().pendingRevocations).toBe(0);
});
