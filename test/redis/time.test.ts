import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { moovAuth } from '../../src/index.js';
import { redisTokenStore } from '../../src/redis/index.js';
import { startSandbox } from '../helpers/moov.js';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';
import { RecordingClient } from '../helpers/redis-clients.js';

const encryptionKey = Buffer.alloc(32, 7);
const TOKEN = { accessToken: 'a', lifeMs: 3_600_000, renewAtLeftMs: 0 };
const HOUR = 3_600_000;

afterEach(() => {
  vi.useRealTimers();
});

async function start(lockTtlMs = 15_000) {
  const redis = await RedisServer.start();
  const client = new RecordingClient(await redis.client());
  const store = redisTokenStore({ client, encryptionKey, lockTtlMs });
  const ask = await redis.client();
  return { redis, client, store, ask };
}

describe.skipIf(redisIsMissing)('Redis determines the lifetimes:', () => {
  it('a lock is a separate key that expires with it', async () => {
    const { store, ask } = await start(4_321);
    const answer = await store.acquire('k', undefined);
    if (answer.state !== 'locked') throw new Error(answer.state);
    expect(await ask.get('moov:{k}:lock')).toBe(answer.lock.id);
    const left = await ask.pTTL('moov:{k}:lock');
    expect(left).toBeGreaterThan(2_000);
    expect(left).toBeLessThanOrEqual(4_321);
  });

  it('a token expires with its key, and a reader uses PTTL', async () => {
    const { store, ask } = await start();
    const answer = await store.acquire('k', undefined);
    if (answer.state !== 'locked') throw new Error(answer.state);
    await store.put(answer.lock, TOKEN, HOUR);
    const left = await ask.pTTL('moov:{k}:token');
    expect(left).toBeGreaterThan(HOUR - 5_000);
    expect(left).toBeLessThanOrEqual(HOUR);
    await ask.pExpire('moov:{k}:token', 5_000);
    const read = await store.acquire('k', undefined);
    if (read.state !== 'token') throw new Error(read.state);
    expect(read.leftMs).toBeGreaterThan(0);
    expect(read.leftMs).toBeLessThanOrEqual(5_000);
  });

  it('the time that the answer took is subtracted', async () => {
    const { redis, store, ask } = await start();
    const answer = await store.acquire('k', undefined);
    if (answer.state !== 'locked') throw new Error(answer.state);
    await store.put(answer.lock, TOKEN, 60_000);
    const ttl = await ask.pTTL('moov:{k}:token');
    redis.pause();
    const reading = store.acquire('k', undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    redis.resume();
    const read = await reading;
    if (read.state !== 'token') throw new Error(read.state);
    // Once for the key's own life, which went on, and once for the way, as nobody knows on which leg it was spent.
    expect(read.leftMs).toBeLessThan(ttl - 550);
  });

  it('every key expires: generations two days after their last use', async () => {
    const { store, ask } = await start();
    const lives = async () => {
      const keys = (await ask.keys('*')).sort();
      return Promise.all(keys.map(async (key) => [key, await ask.pTTL(key)] as const));
    };
    const DAY = 86_400_000;
    await store.acquire('a', undefined);
    await store.revoke('b');
    const answer = await store.acquire('c', undefined);
    if (answer.state !== 'locked') throw new Error(answer.state);
    await store.put(answer.lock, TOKEN, 25 * HOUR);
    for (const [key, left] of await lives()) {
      expect(left, key).toBeGreaterThan(0);
      if (!key.endsWith(':generation')) continue;
      expect(left, key).toBeGreaterThan(2 * DAY - 10_000);
      expect(left, key).toBeLessThanOrEqual(2 * DAY);
    }
    expect((await lives()).map(([key]) => key)).toEqual([
      'moov:{a}:generation',
      'moov:{a}:lock',
      'moov:{b}:generation',
      'moov:{c}:generation',
      'moov:{c}:token',
    ]);
    for (const operation of ['acquire', 'revoke'] as const) {
      await ask.pExpire('moov:{c}:generation', 1_000);
      await (operation === 'acquire' ? store.acquire('c', undefined) : store.revoke('c'));
      expect(await ask.pTTL('moov:{c}:generation')).toBeGreaterThan(DAY);
    }
  });

  it('a lost generation starts another epoch, and a lock of the previous epoch is recognised', async () => {
    const { store, ask } = await start();
    const old = await store.acquire('k', undefined);
    if (old.state !== 'locked') throw new Error(old.state);
    await ask.flushAll();
    const next = await store.acquire('k', undefined);
    if (next.state !== 'locked') throw new Error(next.state);
    expect(next.lock.generation).not.toBe(old.lock.generation);
    expect(await store.put(old.lock, TOKEN, HOUR)).toEqual({ state: 'forgotten' });
    expect(await store.put(next.lock, TOKEN, HOUR)).toEqual(expect.any(String));
  });

  it.each([-HOUR, HOUR])(
    'a process whose clock is off by %d ms shares the token like any other',
    async (off) => {
      const { redis, client, store } = await start();
      const sandbox = await startSandbox({ expiresIn: 'seconds' });
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
      const right = moovAuth('/ping.read', { ...sandbox.options, store });
      onTestFinished(() => right.close());
      await right.ready();
      const sent = Number(client.sent[1]?.[9]);
      expect(sent).toBeGreaterThan(HOUR - 20_000);

      vi.setSystemTime(Date.now() + off);
      const other = new RecordingClient(await redis.client());
      const wrong = moovAuth('/ping.read', {
        ...sandbox.options,
        store: redisTokenStore({ client: other, encryptionKey }),
      });
      onTestFinished(() => wrong.close());
      await wrong.ready();
      const left = Number(wrong.status().expiresAt) - Date.now();
      expect(left).toBeGreaterThan(HOUR - 20_000);
      expect(left).toBeLessThanOrEqual(HOUR);
      expect(sandbox.stats.tokenRequests).toBe(1);
      // No moment of any clock is sent: neither in milliseconds nor in seconds.
      const moments = new RegExp(`\\b${String(Date.now()).slice(0, 5)}\\d{5}(\\d{3})?\\b`);
      expect(client.text + other.text).not.toMatch(moments);
    },
  );
});
