import { createClient } from 'redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fastClock, heldClock } from '../helpers/fast-clock.js';
import { failure } from '../helpers/moov.js';
import { redisIsMissing } from '../helpers/programs.js';
import { clientThat } from '../helpers/redis-clients.js';
import { type Fleet, type Member, startFleet, through, untilAvailable, untilHeld } from './fleet.js';

async function expectServed(...members: readonly Member[]): Promise<void> {
  for (const { moov } of members) expect((await moov.client.get('/ping')).status).toBe(200);
}

function expectToldOnce(member: Member): void {
  expect([member.count('store.unavailable'), member.count('store.available')]).toEqual([1, 1]);
}

/** `revoke()` rejects, as nothing says what is in Redis, and keeps that pending. */
async function expectNotAsked({ moov }: Member): Promise<void> {
  expect(await failure(moov.revoke())).toMatchObject({ code: 'ERR_MOOV_STORE_UNAVAILABLE', status: 503 });
  expect(moov.status()).toMatchObject({ tokens: 0, pendingRevocations: 1 });
}

/** What shows that a member shares again: it takes what another put, without a token request. */
async function expectSharing(
  fleet: Fleet,
  one: Member,
  other: Member,
  pass = (_ms: number) => {},
): Promise<void> {
  // The first may bring what was there already; the second is a new one.
  await one.moov.renew();
  pass(1_000);
  await one.moov.renew();
  pass(1_000);
  const before = fleet.sandbox.stats.tokenRequests;
  await other.moov.renew();
  expect(fleet.sandbox.stats.tokenRequests).toBe(before);
}

describe.skipIf(redisIsMissing)('no call fails because of a Redis that', () => {
  it('was not connected at start-up, and is used once it is', async () => {
    const pass = heldClock();
    const fleet = await startFleet();
    const member = await fleet.joined();
    const client = createClient({ url: fleet.redis.url });
    client.on('error', () => undefined);
    onTestFinished(() => client.destroy());
    const alone = await fleet.joined({}, { client });
    await alone.moov.renew();
    await expectServed(alone);
    expect(alone.got()).toEqual({ minted: 2, taken: 0 });
    expect(alone.events.find(({ type }) => type === 'store.unavailable')).toMatchObject({
      message: 'The Redis client is not connected. Call its connect().',
      retryInMs: expect.any(Number),
    });
    expect(alone.client.sent).toEqual([]);
    await client.connect();
    await untilAvailable(alone);
    expectToldOnce(alone);
    await expectSharing(fleet, member, alone, pass);
  });

  it('does not exist', async () => {
    const fleet = await startFleet();
    const client = createClient({ url: 'redis://127.0.0.1:1' });
    client.on('error', () => undefined);
    client.connect().catch(() => undefined);
    onTestFinished(() => client.destroy());
    const alone = await fleet.joined({}, { client });
    await expectServed(alone);
    await expectNotAsked(alone);
    await expectServed(alone);
    expect(alone.count('store.unavailable')).toBe(1);
  });

  it('is killed and returns, empty', async () => {
    const pass = heldClock();
    const fleet = await startFleet();
    const members = [await fleet.joined(), await fleet.joined(), await fleet.joined()];
    await fleet.redis.kill();
    await expectServed(...members);
    const before = fleet.sandbox.stats.tokenRequests;
    expect(before).toBe(1);
    for (let i = 0; i < 3; i++) {
      pass(1_000);
      await Promise.all(members.map(({ moov }) => moov.renew()));
      await expectServed(...members);
    }
    expect(fleet.sandbox.stats.tokenRequests).toBe(before + 9);
    await fleet.redis.begin();
    await untilAvailable(...members);
    for (const member of members) expectToldOnce(member);
    const [one, other, third] = members;
    if (one === undefined || other === undefined || third === undefined) throw new Error('three joined');
    await expectSharing(fleet, one, other, pass);
    await expectSharing(fleet, third, one, pass);
    expect((await fleet.joined()).got()).toEqual({ minted: 0, taken: 1 });
  });

  it('hangs: it delays one renewal by 250 ms, and none until it is tried again', async () => {
    const fleet = await startFleet();
    const [one, other] = [await fleet.joined(), await fleet.joined()];
    fleet.redis.pause();
    onTestFinished(() => fleet.redis.resume());
    // A fresh token needs no Redis.
    const before = one.client.sent.length;
    await expectServed(one, other);
    expect(one.client.sent.length).toBe(before);
    const began = performance.now();
    await one.moov.renew();
    const first = performance.now() - began;
    expect(first).toBeGreaterThan(245);
    expect(first).toBeLessThan(5_000);
    expect(one.events.find(({ type }) => type === 'store.unavailable')).toMatchObject({
      message: 'No answer within 250 ms',
    });
    // Left alone for a second: not asked again, however often a token is wanted.
    expect(one.client.sent.length).toBe(before + 1);
    await one.moov.renew();
    expect(one.client.sent.length).toBe(before + 1);
    await expectServed(one, other);
    fleet.redis.resume();
    await untilAvailable(one);
    expectToldOnce(one);
    await expectSharing(fleet, one, other);
  });

  it('hangs for a while: it is tried after 1, 2, 4 s by one operation at a time, and not reported again', async () => {
    fastClock();
    const fleet = await startFleet();
    const tried: number[] = [];
    const client = clientThat(() => {
      tried.push(performance.now());
      return new Promise(() => undefined);
    });
    const alone = await fleet.joined({}, { client });
    // Both sets of scopes asked before the first failure was known, or one did.
    const probes = () =>
      tried
        .slice(1)
        .map((at, i) => at - (tried[i] ?? 0))
        .filter((wait) => wait > 500);
    while (probes().length < 2) {
      await Promise.all([
        alone.moov.renew(),
        alone.moov.accessToken({ scopes: `/accounts.read` }),
        alone.moov.renew({ scopes: '/accounts.read' }),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(probes()[0]).toBeGreaterThan(1_000);
    expect(probes()[1]).toBeGreaterThan(2_000);
    expect(tried.length).toBeLessThanOrEqual(4);
    expect(alone.count('store.unavailable')).toBe(1);
    expect(alone.count('store.available')).toBe(0);
  });

  it('is killed while a process waits for the token of another: the wait ends', async () => {
    const fleet = await startFleet();
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const holder = await fleet.join();
    await hold.reached;
    const waiter = await fleet.join();
    await untilHeld(waiter);
    await fleet.redis.kill();
    // The other still has no token: what ends the wait is Redis's end.
    await waiter.moov.ready();
    expect(waiter.got()).toEqual({ minted: 1, taken: 0 });
    hold.release();
    await holder.moov.ready();
    await expectServed(holder, waiter);
    expect(fleet.sandbox.stats.tokenRequests).toBe(2);
  });

  it('hangs while a process waits for the token of another: the wait ends', async () => {
    const fleet = await startFleet();
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const holder = await fleet.join();
    await hold.reached;
    const waiter = await fleet.join();
    await untilHeld(waiter);
    fleet.redis.pause();
    onTestFinished(() => fleet.redis.resume());
    await waiter.moov.ready();
    hold.release();
    await holder.moov.ready();
    await expectServed(holder, waiter);
  });

  it('keeps the lock of a crashed process: others wait until it expires, and no longer', async () => {
    const fleet = await startFleet();
    const store = (await fleet.joined()).moov;
    const ask = await fleet.redis.client();
    const [name = ''] = await ask.keys('*:token');
    await store.close();
    await ask.del(name);
    await ask.set(name.replace(/token$/, 'lock'), 'of one that has died', { PX: 1_500 });
    const began = performance.now();
    const member = await fleet.joined();
    expect(performance.now() - began).toBeGreaterThan(1_000);
    expect(performance.now() - began).toBeLessThan(6_000);
    expect(member.got()).toEqual({ minted: 1, taken: 0 });
    expect(member.count('store.unavailable')).toBe(0);
  });

  it('is flushed while a token is requested: the token is kept, used and stored, not revoked', async () => {
    const fleet = await startFleet();
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const member = await fleet.join();
    await hold.reached;
    await (await fleet.redis.client()).flushAll();
    hold.release();
    await member.moov.ready();
    await expectServed(member);
    expect((await fleet.joined()).got()).toEqual({ minted: 0, taken: 1 });
    expect(fleet.sandbox.stats).toMatchObject({ tokenRequests: 1, tokensRevoked: 0 });
  });

  const refusals: [name: string, answer: () => unknown][] = [
    ['refuses every command', () => Promise.reject(new Error('NOPERM this user has no permissions'))],
    ['rejects with something else than an error', () => Promise.reject('no')],
    ['answers null', () => null],
    ['answers a text', () => 'OK'],
    ['answers a number', () => 5],
    ['answers an empty list', () => []],
    ['answers a list of nothing', () => [null, null, null]],
    ['answers a state that there is not', () => ['broken', '1', 5]],
    ['answers a token that is none', () => ['token', '1', 5, 5]],
    ['answers a token without a life', () => ['token', '1', 'long', 'value']],
    ['answers "held" without a time', () => ['held', '1']],
    ['answers in Buffers', () => [Buffer.from('locked'), Buffer.from('1')]],
  ];
  it.each(refusals)('%s', async (_name, answer) => {
    fastClock();
    const fleet = await startFleet();
    const alone = await fleet.joined({}, { client: clientThat(answer) });
    await expectServed(alone);
    await alone.moov.renew();
    fleet.sandbox.expireTokens();
    await expectServed(alone);
    await expectNotAsked(alone);
    await expectServed(alone);
    expect(alone.count('store.unavailable')).toBe(1);
    expect(alone.got()).toEqual({ minted: 4, taken: 0 });
  });

  it('fails only for put: the token is used in this process', async () => {
    const fleet = await startFleet();
    const real = await fleet.redis.client();
    let commands = 0;
    const client = through(real, (next) => (commands++ === 1 ? Promise.reject(new Error('no')) : next()));
    const member = await fleet.joined({}, { client });
    await expectServed(member);
    expect(member.got()).toEqual({ minted: 1, taken: 0 });
    expect(member.count('store.unavailable')).toBe(1);
  });

  it('has put the token but lost the answer: the next renewal does not reuse it', async () => {
    const pass = heldClock();
    const fleet = await startFleet();
    const real = await fleet.redis.client();
    let commands = 0;
    const client = through(real, async (next) => {
      const answer = await next();
      if (commands++ === 1) throw new Error('lost');
      return answer;
    });
    const member = await fleet.joined({}, { client });
    const first = await member.moov.accessToken();
    // Redis is tried again after at most 1,100 ms, and has the very token that is to be replaced.
    pass(1_200);
    await member.moov.renew();
    expectToldOnce(member);
    expect(await member.moov.accessToken()).not.toBe(first);
    expect(member.got().taken).toBe(0);
    await expectServed(member);
  });
});
