import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type MoovAuth, memoryTokenStore } from '../../src/index.js';
import { pingWith } from '../helpers/apps.js';
import { fastClock } from '../helpers/fast-clock.js';
import { failure, startSandbox } from '../helpers/moov.js';
import { join, storeWith } from './processes.js';

const NOT_ASKED = { name: 'MoovUnavailableError', code: 'ERR_MOOV_STORE_UNAVAILABLE', status: 503 };
const LIFE_MS = 86_400_000;

const pending = (moov: MoovAuth) => moov.status().pendingRevocations;

const silent: [name: string, revoke: () => Promise<undefined>][] = [
  ['rejects', () => Promise.reject(new Error('connection lost'))],
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['never answers', () => new Promise(() => undefined)],
];

describe.each(silent)('revoke() with a store that %s', (_name, revoke) => {
  it('rejects, revokes the cached tokens, and asks the store again the next time', async () => {
    fastClock();
    const sandbox = await startSandbox({ refreshTokens: false });
    const base = memoryTokenStore();
    let broken = true;
    const store = storeWith({ revoke: (key) => (broken ? revoke() : base.revoke(key)) }, base);
    const [one, other] = [join(sandbox, store), join(sandbox, base)];
    await one.moov.ready();
    const held = await one.moov.accessToken();
    await other.moov.renew();
    await other.moov.renew();
    const newer = await other.moov.accessToken();
    expect(await failure(one.moov.revoke())).toMatchObject(NOT_ASKED);
    expect(pending(one.moov)).toBe(1);
    expect(await pingWith(sandbox, held)).toBe(401);
    expect(await pingWith(sandbox, newer)).toBe(200);
    expect(one.events.at(-1)).toMatchObject({
      type: 'token.revokeFailed',
      code: NOT_ASKED.code,
      pendingRevocations: 1,
    });
    broken = false;
    // A store that kept its callers waiting is left alone for a moment.
    let error: unknown = 'not tried';
    for (let i = 0; error !== undefined && i < 200; i++) {
      error = await one.moov.revoke().catch((thrown: unknown) => thrown);
      if (error !== undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(pending(one.moov)).toBe(0);
    expect(await pingWith(sandbox, newer)).toBe(401);
  });

  it('takes no longer for many tokens than for one, and counts each', async () => {
    const sandbox = await startSandbox({ refreshTokens: false });
    const store = storeWith({ revoke });
    const { moov } = join(sandbox, store, {}, '/accounts/{accountID}/wallets.read');
    const accounts = Array.from({ length: 250 }, () => randomUUID());
    await Promise.all(accounts.map((accountID) => moov.accessToken({ accountID })));
    const began = performance.now();
    expect(await failure(moov.revoke())).toMatchObject(NOT_ASKED);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(pending(moov)).toBe(250);
    expect(sandbox.stats.tokensRevoked).toBe(250);
  });
});

describe('a set of scopes that revoke() could not ask the store for', () => {
  it('is asked for again also if the pool has evicted its token', async () => {
    const sandbox = await startSandbox({ refreshTokens: false });
    const base = memoryTokenStore();
    let broken = true;
    const store = storeWith(
      { revoke: (key) => (broken ? Promise.reject(new Error('no')) : base.revoke(key)) },
      base,
    );
    const scopes = '/accounts/{accountID}/wallets.read';
    const [one, other] = [join(sandbox, store, { maxTokens: 1 }, scopes), join(sandbox, base, {}, scopes)];
    const [first, second] = [{ accountID: randomUUID() }, { accountID: randomUUID() }];
    await one.moov.accessToken(first);
    await other.moov.renew(first);
    const newer = await other.moov.accessToken(first);
    await failure(one.moov.revoke());
    await one.moov.accessToken(second);
    broken = false;
    await one.moov.revoke();
    expect(pending(one.moov)).toBe(0);
    expect(await pingWith(sandbox, newer)).toBe(401);
  });

  it('is no longer pending when every token of that time has expired', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const sandbox = await startSandbox();
    const store = storeWith({ revoke: () => Promise.reject(new Error('no')) });
    const { moov } = join(sandbox, store);
    await moov.ready();
    await failure(moov.revoke());
    vi.advanceTimersByTime(LIFE_MS - 1_000);
    expect(pending(moov)).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(pending(moov)).toBe(0);
  });

  it('is pending if its name in the store is unknown, because the client ID could not be read', async () => {
    const sandbox = await startSandbox({ refreshTokens: false });
    let broken = false;
    const clientId = () =>
      broken ? Promise.reject(new Error('vault')) : Promise.resolve(sandbox.credentials.clientId);
    const { moov } = join(sandbox, memoryTokenStore(), { clientId });
    await moov.ready();
    broken = true;
    await expect(moov.revoke()).rejects.toThrow();
    // The token and its name in the store: both need the client ID.
    expect(pending(moov)).toBe(2);
    broken = false;
    await moov.revoke();
    expect(pending(moov)).toBe(0);
  });
});

it('revoke() of many tokens ends even if the function for the client ID hangs, and counts each', {
  timeout: 40_000,
}, async () => {
  fastClock();
  const sandbox = await startSandbox({ refreshTokens: false });
  let hang = false;
  const clientId = () =>
    hang ? new Promise<string>(() => undefined) : Promise.resolve(sandbox.credentials.clientId);
  const { moov } = join(sandbox, memoryTokenStore(), { clientId }, '/accounts/{accountID}/wallets.read');
  const accounts = Array.from({ length: 150 }, () => randomUUID());
  await Promise.all(accounts.map((accountID) => moov.accessToken({ accountID })));
  hang = true;
  const began = performance.now();
  await expect(moov.revoke()).rejects.toThrow();
  // 100 wait for their names, and the others need the same client ID.
  expect(performance.now() - began).toBeLessThan(20_000);
  expect(pending(moov)).toBeGreaterThanOrEqual(150);
  hang = false;
  await moov.revoke();
  expect(pending(moov)).toBe(0);
  expect(sandbox.stats.tokensRevoked).toBe(150);
});
