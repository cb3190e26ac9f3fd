import { describe, expect, it, onTestFinished } from 'vitest';
import type { StoredToken, TokenLock, TokenStore, TokenStoreAnswer } from '../../src/index.js';
import { redisTokenStore } from '../../src/redis/index.js';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';
import { encryptionKey, startFleet } from './fleet.js';

const MINUTE = 60_000;
const token = (accessToken: string): StoredToken => ({ accessToken, lifeMs: MINUTE, renewAtLeftMs: 0 });
const forgotten = { state: 'forgotten' };

function lockIn(answer: TokenStoreAnswer): TokenLock {
  if (answer.state !== 'locked') throw new Error(`expected a lock, got ${answer.state}`);
  return answer.lock;
}

async function start() {
  const redis = await RedisServer.start();
  const [one, other] = [await redis.client(), await redis.client()].map((client) =>
    redisTokenStore({ client, encryptionKey }),
  );
  if (one === undefined || other === undefined) throw new Error('two clients make two stores');
  return { one, other, ask: await redis.client() };
}

async function stored(store: TokenStore, name: string): Promise<string> {
  const generation = await store.put(lockIn(await store.acquire('k', undefined)), token(name), MINUTE);
  if (typeof generation !== 'string') throw new Error('the put was refused');
  return generation;
}

describe.skipIf(redisIsMissing)('when Redis loses a part of the data of a token, put', () => {
  it('stores after a FLUSHALL, as nothing was put in between', async () => {
    const { one, other, ask } = await start();
    const lock = lockIn(await one.acquire('k', undefined));
    await ask.flushAll();
    expect(await one.put(lock, token('a'), MINUTE)).toEqual(expect.any(String));
    expect(await other.acquire('k', undefined)).toMatchObject({ state: 'token', token: token('a') });
  });

  it('stores if only the generation is gone, and the lock is still its own', async () => {
    const { one, ask } = await start();
    const lock = lockIn(await one.acquire('k', undefined));
    await ask.del('moov:{k}:generation');
    expect(await one.put(lock, token('a'), MINUTE)).toEqual(expect.any(String));
  });

  it('stores if only the lock is gone', async () => {
    const { one, ask } = await start();
    const lock = lockIn(await one.acquire('k', undefined));
    await ask.del('moov:{k}:lock');
    expect(await one.put(lock, token('a'), MINUTE)).toEqual(expect.any(String));
  });

  it('answers "forgotten" if another process has the lock by now, whose token is then stored', async () => {
    const { one, other, ask } = await start();
    const lock = lockIn(await one.acquire('k', undefined));
    await ask.flushAll();
    const later = lockIn(await other.acquire('k', undefined));
    expect(await one.put(lock, token('a'), MINUTE)).toEqual(forgotten);
    await ask.del('moov:{k}:generation');
    expect(await one.put(lock, token('a'), MINUTE)).toEqual(forgotten);
    expect(await other.put(later, token('b'), MINUTE)).toEqual(expect.any(String));
    expect(await one.put(lock, token('a'), MINUTE)).toEqual(forgotten);
    expect(await one.acquire('k', undefined)).toMatchObject({ token: token('b') });
  });

  it('answers "overtaken" if there was a revocation after that', async () => {
    const { one, other, ask } = await start();
    const lock = lockIn(await one.acquire('k', undefined));
    await ask.flushAll();
    await other.revoke('k');
    expect(await one.put(lock, token('a'), MINUTE)).toBeUndefined();
    // Also when a token was put after the revocation.
    await stored(other, 'b');
    expect(await one.put(lock, token('a'), MINUTE)).toBeUndefined();
  });

  it('does not confuse generations of different epochs, however often Redis is flushed', async () => {
    const { one, other, ask } = await start();
    const generations = new Set<string>();
    for (let i = 0; i < 50; i++) {
      generations.add(lockIn(await (i % 2 ? one : other).acquire('k', undefined)).generation);
      await ask.flushAll();
    }
    expect(generations.size).toBe(50);
  });
});

describe.skipIf(redisIsMissing)(
  'the token in Redis carries its generation, so that without the other key',
  () => {
    it('acquire does not return the known generation again', async () => {
      const { one, other, ask } = await start();
      const known = await stored(one, 'a');
      await ask.del('moov:{k}:generation');
      expect(await other.acquire('k', undefined)).toMatchObject({ state: 'token', generation: known });
      await ask.del('moov:{k}:generation');
      expect(lockIn(await other.acquire('k', known)).generation).toBe(known);
    });

    it('the holder of a lock can put, and one that was overtaken can not', async () => {
      const { one, other, ask } = await start();
      const known = await stored(one, 'a');
      const lock = lockIn(await one.acquire('k', known));
      await ask.del(['moov:{k}:generation', 'moov:{k}:lock']);
      const later = lockIn(await other.acquire('k', known));
      expect(await other.put(later, token('b'), MINUTE)).toEqual(expect.any(String));
      await ask.del('moov:{k}:generation');
      expect(await one.put(lock, token('c'), MINUTE)).toBeUndefined();
    });

    it('a generation that is not a number is replaced', async () => {
      const { one, ask } = await start();
      for (const nonsense of ['', 'x', '-1', '1e3', '9'.repeat(40)]) {
        await ask.set('moov:{k}:generation', nonsense);
        await stored(one, 'a');
        expect(await one.revoke('k')).toEqual(token('a'));
      }
    });
  },
);

describe.skipIf(redisIsMissing)('a process', () => {
  it.each(['lock', 'generation'])(
    'keeps and shares the token when its %s is deleted meanwhile',
    async (name) => {
      const fleet = await startFleet();
      const hold = fleet.relay.holdNextReply('/oauth2/token');
      const member = await fleet.join();
      await hold.reached;
      const ask = await fleet.redis.client();
      expect(await ask.del(await ask.keys(`*:${name}`))).toBe(1);
      hold.release();
      await member.moov.ready();
      expect((await fleet.joined()).got()).toEqual({ minted: 0, taken: 1 });
      expect(fleet.sandbox.stats).toMatchObject({ tokenRequests: 1, tokensRevoked: 0 });
    },
  );

  it('keeps its own token if two request one after a FLUSHALL: neither is revoked', async () => {
    const fleet = await startFleet();
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const one = await fleet.join();
    await hold.reached;
    await (await fleet.redis.client()).flushAll();
    const other = await fleet.joined();
    hold.release();
    await one.moov.ready();
    for (const { moov } of [one, other]) expect((await moov.client.get('/ping')).status).toBe(200);
    expect(fleet.sandbox.stats).toMatchObject({ tokenRequests: 2, tokensRevoked: 0, unauthorized: 0 });
    // The next renewal shares again.
    await one.moov.renew();
    expect(await one.moov.accessToken()).toBe(await other.moov.accessToken());
  });

  it('loses no call and no valid token when Redis evicts keys at random', async () => {
    const limits = { maxmemory: '3mb', 'maxmemory-policy': 'allkeys-random' };
    const fleet = await startFleet({}, limits);
    const filler = await fleet.redis.client();
    let filling = true;
    const filled = (async () => {
      for (let i = 0; filling; i++) {
        const batch = filler.multi();
        for (let k = 0; k < 300; k++) batch.set(`cache:${i}:${k}`, 'x'.repeat(900));
        await batch.exec().catch(() => undefined);
      }
    })();
    onTestFinished(() => {
      filling = false;
    });
    fleet.sandbox.fail({ path: '/oauth2/token', delayMs: 200, times: 100 });
    const members = [await fleet.join(), await fleet.join(), await fleet.join()];
    for (let i = 0; i < 3; i++) {
      await Promise.all(members.map(({ moov }) => moov.client.get('/ping')));
      await Promise.all(members.map(({ moov }) => moov.renew()));
    }
    filling = false;
    await filled;
    expect(fleet.sandbox.stats).toMatchObject({ tokensRevoked: 0, unauthorized: 0 });
  });
});
