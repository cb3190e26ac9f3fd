import { describe, expect, it } from 'vitest';
import type { StoredToken, TokenStore } from '../../src/index.js';
import { type RedisClient, redisTokenStore } from '../../src/redis/index.js';
import { heldClock } from '../helpers/fast-clock.js';
import { failure, until } from '../helpers/moov.js';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';
import { encryptionKey, type Fleet, startFleet, through } from './fleet.js';

const MINUTE = 60_000;
const token = (accessToken: string): StoredToken => ({ accessToken, lifeMs: MINUTE, renewAtLeftMs: 0 });

/** Which operation a script is. */
const isRevoke = (args: readonly string[]) => args[2] === '4' && args[1]?.includes("'PUBLISH'") === true;
const isAcquire = (args: readonly string[]) => args[1]?.includes("'held'") === true;

/** A client of which the response to one command is lost: Redis has done it, and the connection breaks. */
function losing(client: RedisClient, which: (args: readonly string[]) => boolean): RedisClient {
  let lost = false;
  return through(client, async (next, args) => {
    const answer = await next();
    if (lost || !which(args)) return answer;
    lost = true;
    throw new Error('Socket closed unexpectedly');
  });
}

async function put(store: TokenStore, name: string): Promise<void> {
  const answer = await store.acquire('k', undefined);
  if (answer.state !== 'locked') throw new Error(answer.state);
  expect(await store.put(answer.lock, token(name), MINUTE)).toEqual(expect.any(String));
}

describe.skipIf(redisIsMissing)('when the response to a revocation is lost', () => {
  async function start() {
    const redis = await RedisServer.start();
    const [client, ask] = [await redis.client(), await redis.client()];
    const losingStore = redisTokenStore({ client: losing(client, isRevoke), encryptionKey });
    return { losingStore, store: redisTokenStore({ client, encryptionKey }), ask, client };
  }

  it('the next one returns the removed token', async () => {
    const { losingStore, store, ask } = await start();
    await put(store, 'a');
    await expect(losingStore.revoke('k')).rejects.toThrow();
    expect((await store.acquire('k', undefined)).state).toBe('locked');
    expect(await ask.pTTL('moov:{k}:taken')).toBeGreaterThan(MINUTE - 20_000);
    expect(await store.revoke('k')).toEqual(token('a'));
    while ((await ask.exists('moov:{k}:taken')) === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await store.revoke('k')).toBeUndefined();
  });

  it('and another token was put since, the next one returns both', async () => {
    const { losingStore, store } = await start();
    await put(store, 'a');
    await expect(losingStore.revoke('k')).rejects.toThrow();
    await put(store, 'b');
    expect(await store.revoke('k')).toEqual({ tokens: [token('a'), token('b')] });
  });

  it('a value that cannot be decrypted stays for a process that has the key', async () => {
    const { store, client } = await start();
    await put(store, 'a');
    const stranger = redisTokenStore({ client, encryptionKey: Buffer.alloc(32, 1) });
    expect(await stranger.revoke('k')).toEqual({ tokens: [], unreadable: true });
    expect(await stranger.revoke('k')).toEqual({ tokens: [], unreadable: true });
    expect(await store.revoke('k')).toEqual(token('a'));
  });

  it('revoke() rejects while there is a token that it cannot decrypt, until a process with the key has revoked it', async () => {
    const fleet = await startFleet();
    const one = await fleet.joined();
    const other = await fleet.joined({}, { encryptionKey: Buffer.alloc(32, 1) });
    const unreadable = await other.moov.accessToken();
    for (let i = 0; i < 2; i++) {
      expect(await failure(one.moov.revoke())).toMatchObject({ code: 'ERR_MOOV_STORE_UNAVAILABLE' });
      expect(one.moov.status().pendingRevocations).toBe(1);
    }
    expect(one.count('store.unreadable')).toBe(2);
    expect(one.count('store.unavailable')).toBe(0);
    await other.moov.revoke();
    expect(fleet.relay.revocations.map((revoked) => revoked.token)).toContain(unreadable);
    await one.moov.revoke();
    expect(one.moov.status().pendingRevocations).toBe(0);
  });

  it('revoke() rejects, and the next one revokes the token at Moov', async () => {
    const fleet = await startFleet();
    const client = losing(await fleet.redis.client(), isRevoke);
    const [one, other] = [await fleet.joined({}, { client }), await fleet.joined()];
    await other.moov.renew();
    const newer = await other.moov.accessToken();
    expect(await failure(one.moov.revoke())).toMatchObject({ code: 'ERR_MOOV_STORE_UNAVAILABLE' });
    expect(one.moov.status().pendingRevocations).toBe(1);
    expect(fleet.relay.revocations.map((revoked) => revoked.token)).not.toContain(newer);
    await one.moov.revoke();
    await until(() => fleet.relay.revocations.some((revoked) => revoked.token === newer), 'it is revoked');
    await until(() => one.moov.status().pendingRevocations === 0, 'nothing is pending');
  });
});

describe.skipIf(redisIsMissing)('a lock whose response is lost', () => {
  it('is released, so that others do not wait until it expires', async () => {
    const redis = await RedisServer.start();
    const client = await redis.client();
    const store = redisTokenStore({ client, encryptionKey });
    const losingStore = redisTokenStore({ client: losing(client, isAcquire), encryptionKey });
    await expect(losingStore.acquire('k', undefined)).rejects.toThrow();
    let answer = await store.acquire('k', undefined);
    for (let i = 0; answer.state === 'held' && i < 100; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      answer = await store.acquire('k', undefined);
    }
    expect(answer.state).toBe('locked');
  });
});

describe.skipIf(redisIsMissing)('a Redis whose answers all take 300 ms', () => {
  async function start(): Promise<{ fleet: Fleet; slow: RedisClient }> {
    const fleet = await startFleet();
    const slow = through(await fleet.redis.client(), async (next) => {
      const answer = await next();
      await new Promise((resolve) => setTimeout(resolve, 300));
      return answer;
    });
    return { fleet, slow };
  }

  it('fails no call, and its locks are released', async () => {
    const { fleet, slow } = await start();
    const member = await fleet.joined({}, { client: slow });
    expect((await member.moov.client.get('/ping')).status).toBe(200);
    const ask = await fleet.redis.client();
    while ((await ask.keys('*:lock')).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(fleet.sandbox.stats.tokensRevoked).toBe(0);
  });

  it('makes revoke() reject; the removed token is revoked at Moov when it arrives, and nothing stays pending', async () => {
    const { fleet, slow } = await start();
    const other = await fleet.joined();
    const shared = await other.moov.accessToken();
    const one = await fleet.joined({}, { client: slow });
    // Its own token is another one, as it could not wait for the store.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { code } = await failure(one.moov.revoke());
    expect(code).toBe('ERR_MOOV_STORE_UNAVAILABLE');
    await until(() => fleet.relay.revocations.some((revoked) => revoked.token === shared), 'it is revoked');
    await until(() => one.moov.status().pendingRevocations === 0, 'nothing is pending');
    expect((await other.moov.client.get('/ping')).status).toBe(200);
  });
});

it.skipIf(redisIsMissing)(
  'connections that are killed again and again fail no call and revoke no good token',
  async () => {
    const pass = heldClock();
    const fleet = await startFleet();
    const members = [await fleet.joined(), await fleet.joined()];
    const admin = await fleet.redis.client();
    for (let i = 0; i < 10; i++) {
      pass(1_000);
      const renewed = Promise.all(members.map(({ moov }) => moov.renew()));
      await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
      await renewed;
      await Promise.all(members.map(({ moov }) => moov.client.get('/ping')));
    }
    expect(fleet.sandbox.stats).toMatchObject({ unauthorized: 0 });
  },
);
