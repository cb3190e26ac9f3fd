import { expect, it, onTestFinished } from 'vitest';
import { memoryTokenStore, moovAuth, type TokenStore } from '../../src/index.js';
import { startSandbox } from '../helpers/moov.js';
import { startPool } from './pool.js';

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

it('revoke() revokes a token once that is both in memory and in the store', async () => {
  const { sandbox, one, other } = await startTwo();
  await one.revoke();
  await one.revoke();
  expect(sandbox.stats).toMatchObject({ tokensMinted: 1, revokeRequests: 2, tokensRevoked: 2 });
  expect(one.status().pendingRevocations).toBe(0);
  expect(other.status().tokens).toBe(0);
});

it('revoke() also revokes the newer token of another process', async () => {
  const { sandbox, one, other } = await startTwo();
  await other.renew();
  expect(await other.accessToken()).not.toBe(await one.accessToken());
  await one.revoke();
  expect(sandbox.stats).toMatchObject({ tokensMinted: 2, revokeRequests: 4, tokensRevoked: 4 });
});

it('revoke() removes each of many tokens from the store once', async () => {
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
