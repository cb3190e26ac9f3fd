import { beforeEach, describe, expect, it } from 'vitest';
import { memoryTokenStore, type TokenStore } from '../../src/index.js';
import { pingWith } from '../helpers/apps.js';
import { fastClock } from '../helpers/fast-clock.js';
import { startSandbox, until } from '../helpers/moov.js';
import { join, storeWith } from './processes.js';

/** A promise and what resolves it. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('a store that answers after 250 ms', () => {
  it('gets its lock released', async () => {
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

  it('with a late confirmation of put: the next process takes the token', async () => {
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

  it('with a late refusal of put: the token is revoked, and the next call gets another', async () => {
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
  beforeEach(() => fastClock());

  it('that answers "forgotten": the process keeps its token, and nothing is revoked', async () => {
    const sandbox = await startSandbox({ refreshTokens: false });
    const put = async () => ({ state: 'forgotten' as const });
    const { moov, types } = join(sandbox, storeWith({ put }));
    expect((await moov.client.get('/ping')).status).toBe(200);
    await moov.renew();
    expect(types()).toEqual(['token.obtained', 'token.renewed']);
    expect(sandbox.stats).toMatchObject({ tokenRequests: 2, tokensRevoked: 0 });
  });

  it('that answers that nothing was stored: the token is revoked', async () => {
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

  it('that rejects releases the lock, so that others do not wait until it expires', async () => {
    const sandbox = await startSandbox();
    const base = memoryTokenStore({ lockTtlMs: 60_000 });
    const put = () => Promise.reject(new Error('OOM'));
    await join(sandbox, storeWith({ put }, base)).moov.ready();
    const other = join(sandbox, base);
    await other.moov.ready();
    expect(other.types()).toEqual(['token.obtained']);
  });

  it('that rejects after it has stored: the token is used, and taken by others', async () => {
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

it('a token whose remaining lifetime in the store is too long is used for its whole lifetime only', async () => {
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
