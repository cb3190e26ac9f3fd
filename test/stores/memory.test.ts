import { expect, it } from 'vitest';
import { MoovConfigError, memoryTokenStore } from '../../src/index.js';
import { tokenStoreContract } from './contract.js';

tokenStoreContract('in memory', async (lockTtlMs) => {
  const store = memoryTokenStore({ lockTtlMs });
  return [store, store];
});

it('keeps the configured number of tokens, and evicts the least recently used', async () => {
  const store = memoryTokenStore({ maxTokens: 2 });
  const put = async (key: string) => {
    const answer = await store.acquire(key, undefined);
    if (answer.state === 'locked') {
      await store.put(answer.lock, { accessToken: key, lifeMs: 60_000, renewAtLeftMs: 0 }, 60_000);
    }
    return answer.state;
  };
  expect([await put('a'), await put('b'), await put('a'), await put('c')]).toEqual([
    'locked',
    'locked',
    'token',
    'locked',
  ]);
  expect([await put('a'), await put('b')]).toEqual(['token', 'locked']);
});

it('accepts a token for a key whose token was evicted meanwhile', async () => {
  const store = memoryTokenStore({ maxTokens: 1 });
  const answer = await store.acquire('a', undefined);
  await store.acquire('b', undefined);
  if (answer.state !== 'locked') throw new Error(answer.state);
  const token = { accessToken: 'late', lifeMs: 60_000, renewAtLeftMs: 0 };
  expect(await store.put(answer.lock, token, 60_000)).toEqual(expect.any(String));
});

it('accepts a token for a key that was evicted and locked again meanwhile, but not after a revocation', async () => {
  const token = { accessToken: 'late', lifeMs: 60_000, renewAtLeftMs: 0 };
  for (const isRevoked of [false, true]) {
    const store = memoryTokenStore({ maxTokens: 1, lockTtlMs: 1 });
    const answer = await store.acquire('a', undefined);
    await store.acquire('b', undefined);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await store.acquire('a', undefined)).state).toBe('locked');
    if (isRevoked) await store.revoke('a');
    if (answer.state !== 'locked') throw new Error(answer.state);
    const stored = expect(await store.put(answer.lock, token, 60_000));
    if (isRevoked) stored.toBeUndefined();
    else stored.toEqual(expect.any(String));
  }
});

it.each([
  [
    'an unknown name',
    { maxToken: 5 },
    'memoryTokenStore: unknown option "maxToken". Did you mean "maxTokens"?',
  ],
  [
    'a number of tokens',
    { maxTokens: -1 },
    'maxTokens: expected a whole number from 1 to 1,000,000; got -1.',
  ],
  ['a time', { lockTtlMs: '5 s' }, /^lockTtlMs: expected a whole number of milliseconds .*; got a string\.$/],
])('refuses a wrong option: %s', (_name, options, message) => {
  expect(() => Reflect.apply(memoryTokenStore, undefined, [options])).toThrow(message);
  expect(() => Reflect.apply(memoryTokenStore, undefined, [options])).toThrow(MoovConfigError);
});

it('a listener that throws does not prevent storing', async () => {
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
