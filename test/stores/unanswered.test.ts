import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type MoovAuth,
  type MoovAuthEvent,
  type MoovAuthOptions,
  memoryTokenStore,
  moovAuth,
  type TokenStore,
} from '../../src/index.js';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { pingWith } from '../helpers/apps.js';
import { failure, startSandbox, until } from '../helpers/moov.js';

const NOT_ASKED = { name: 'MoovUnavailableError', code: 'ERR_MOOV_STORE_UNAVAILABLE', status: 503 };
const LIFE_MS = 86_400_000;

/** A store of which operations are replaced, with the rest from another one. */
function storeWith(operations: Partial<TokenStore>, base = memoryTokenStore()): TokenStore {
  return { ...base, ...operations };
}

function join(sandbox: MoovSandbox, store: TokenStore, options: MoovAuthOptions = {}, scopes = '/ping.read') {
  const events: MoovAuthEvent[] = [];
  const moov = moovAuth(scopes, {
    ...sandbox.options,
    store,
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => moov.close());
  return { moov, types: () => events.map(({ type }) => type), events };
}

/** A promise and what resolves it. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

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
  it('rejects, revokes what is held, and asks the store again the next time', async () => {
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

  it('of many tokens takes no longer than of one, and counts each', async () => {
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

describe('what revoke() could not ask the store for', () => {
  it('is asked for again also when the pool has evicted its token', async () => {
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

  it('is no longer pending when every token of that time has ended', async () => {
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

  it('is the scopes whose name in the store could not be made, as the client ID could not be read', async () => {
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

describe('a store that answers after 250 ms', () => {
  it('has its lock back', async () => {
    const sandbox = await startSandbox();
    const base = memoryTokenStore({ lockTtlMs: 60_000 });
    const { opened, open } = gate();
    const acquire: TokenStore['acquire'] = async (...args) => {
      const answer = await base.acquire(...args);
      await opened;
      return answer;
    };
    await join(sandbox, storeWith({ acquire }, base)).moov.ready();
    open();
    const other = join(sandbox, base);
    await other.moov.ready();
    expect(other.types()).toEqual(['token.obtained']);
  });

  it('that the token was put is believed: the next process takes it', async () => {
    const sandbox = await startSandbox({ refreshTokens: false });
    const base = memoryTokenStore();
    const { opened, open } = gate();
    const put: TokenStore['put'] = async (...args) => {
      const generation = await base.put(...args);
      await opened;
      return generation;
    };
    const { moov } = join(sandbox, storeWith({ put }, base));
    await moov.ready();
    open();
    expect(await join(sandbox, base).moov.accessToken()).toBe(await moov.accessToken());
    expect(sandbox.stats).toMatchObject({ tokenRequests: 1, tokensRevoked: 0 });
  });

  it('that a revocation came before the put: the token is revoked, and the next call has another', async () => {
    const sandbox = await startSandbox({ refreshTokens: false });
    const base = memoryTokenStore();
    const { opened, open } = gate();
    const put: TokenStore['put'] = async (lock, ...more) => {
      await opened;
      await base.revoke(lock.key);
      return base.put(lock, ...more);
    };
    const { moov } = join(sandbox, storeWith({ put }, base));
    const token = await moov.accessToken();
    open();
    await until(() => sandbox.stats.tokensRevoked === 1, 'it is revoked');
    expect(await pingWith(sandbox, token)).toBe(401);
    expect((await moov.client.get('/ping')).status).toBe(200);
  });
});

describe('put', () => {
  it('that says "forgotten": the process uses its token alone, and nothing is revoked', async () => {
    const sandbox = await startSandbox({ refreshTokens: false });
    const put = async () => ({ state: 'forgotten' as const });
    const { moov, types } = join(sandbox, storeWith({ put }));
    expect((await moov.client.get('/ping')).status).toBe(200);
    await moov.renew();
    expect(types()).toEqual(['token.obtained', 'token.renewed']);
    expect(sandbox.stats).toMatchObject({ tokenRequests: 2, tokensRevoked: 0 });
  });

  it('that says nothing was stored: the token is revoked, as it always was', async () => {
    const sandbox = await startSandbox({ refreshTokens: false });
    const base = memoryTokenStore();
    let first = true;
    const put: TokenStore['put'] = async (...args) => {
      if (!first) return base.put(...args);
      first = false;
      await base.revoke(args[0].key);
      return undefined;
    };
    const { moov } = join(sandbox, storeWith({ put }, base));
    await moov.ready();
    await until(() => sandbox.stats.tokensRevoked === 1, 'it is revoked');
    expect(sandbox.stats.tokenRequests).toBe(2);
  });

  it('that rejects releases the lock, so that the others need not wait for its end', async () => {
    const sandbox = await startSandbox();
    const base = memoryTokenStore({ lockTtlMs: 60_000 });
    const put = () => Promise.reject(new Error('OOM'));
    await join(sandbox, storeWith({ put }, base)).moov.ready();
    const other = join(sandbox, base);
    await other.moov.ready();
    expect(other.types()).toEqual(['token.obtained']);
  });

  it('that rejects although it has stored: the token is used, and taken by others', async () => {
    const sandbox = await startSandbox({ refreshTokens: false });
    const base = memoryTokenStore();
    const put: TokenStore['put'] = async (...args) => {
      await base.put(...args);
      throw new Error('lost');
    };
    const { moov } = join(sandbox, storeWith({ put }, base));
    await moov.ready();
    expect(await join(sandbox, base).moov.accessToken()).toBe(await moov.accessToken());
    expect(sandbox.stats).toMatchObject({ tokenRequests: 1, tokensRevoked: 0 });
  });
});

it('a token of which a store says more than its life is left is used for its life', async () => {
  const sandbox = await startSandbox();
  const base = memoryTokenStore();
  let lifeMs = 0;
  const acquire: TokenStore['acquire'] = async (...args) => {
    const answer = await base.acquire(...args);
    if (answer.state !== 'token') return answer;
    lifeMs = answer.token.lifeMs;
    // As after a jump of the clock by which the store keeps the time.
    return { ...answer, leftMs: lifeMs + 7_200_000 };
  };
  await join(sandbox, base).moov.ready();
  const { moov, types } = join(sandbox, storeWith({ acquire }, base));
  await moov.ready();
  expect(types()).toEqual(['token.taken']);
  const left = Number(moov.status().expiresAt) - Date.now();
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(lifeMs);
});

describe('what a store lacks', () => {
  it('is reported once for each sentence, after the first token was shared', async () => {
    const sandbox = await startSandbox();
    let checks = 0;
    const check = async () => {
      checks++;
      return ['no channels', 'evicts', 'no channels'];
    };
    const { moov, events } = join(sandbox, storeWith({ check }));
    await moov.ready();
    await moov.renew();
    await moov.revoke();
    await moov.renew();
    expect(checks).toBe(1);
    expect(events.filter(({ type }) => type === 'store.warning')).toEqual([
      { type: 'store.warning', message: 'no channels' },
      { type: 'store.warning', message: 'evicts' },
    ]);
  });

  it.each([
    ['throws', silentCheck(() => Promise.reject(new Error('no')))],
    ['never answers', silentCheck(() => new Promise(() => undefined))],
    ['answers nonsense', silentCheck(async () => Object.assign([], { 0: 5 }))],
  ])('is found by a check that %s: nothing fails', async (_name, store) => {
    const sandbox = await startSandbox();
    const { moov, types } = join(sandbox, store);
    await moov.ready();
    await moov.renew();
    expect(types()).toEqual(['token.obtained', 'token.renewed']);
    await moov.close();
  });

  function silentCheck(check: () => Promise<string[]>): TokenStore {
    return storeWith({ check });
  }
});

it('a listener of a memory store that throws keeps nothing from being stored', async () => {
  const store = memoryTokenStore();
  store.watch(() => {
    throw new Error('a listener');
  });
  const answer = await store.acquire('k', undefined);
  if (answer.state !== 'locked') throw new Error(answer.state);
  const token = { accessToken: 'a', lifeMs: 60_000, renewAtLeftMs: 0 };
  expect(await store.put(answer.lock, token, 60_000)).toEqual(expect.any(String));
  expect(await store.revoke('k')).toEqual(token);
});

it('revoke() of many tokens ends although the function for the client ID hangs, and counts each', {
  timeout: 40_000,
}, async () => {
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
