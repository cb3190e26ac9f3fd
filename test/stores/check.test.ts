import { beforeEach, describe, expect, it } from 'vitest';
import type { TokenStore } from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { startSandbox } from '../helpers/moov.js';
import { join, storeWith } from './processes.js';

describe('the warnings of a store', () => {
  beforeEach(() => fastClock());

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
