import { RESP_TYPES } from 'redis';
import { describe, expect, it } from 'vitest';
import { redisTokenStore } from '../../src/redis/index.js';
import { failure, startSandbox } from '../helpers/moov.js';
import { redisIsMissing } from '../helpers/programs.js';
import { encryptionKey, startFleet, through, untilHeld, untilListening } from './fleet.js';

describe.skipIf(redisIsMissing)('MoovAuths on one Redis', () => {
  it('make one token request', async () => {
    const fleet = await startFleet();
    const members = await Promise.all(Array.from({ length: 4 }, () => fleet.join()));
    const replies = await Promise.all(members.map(({ moov }) => moov.client.get('/ping')));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(fleet.sandbox.stats.tokenRequests).toBe(1);
    const types = members.flatMap(({ events }) => events.map(({ type }) => type));
    expect(types.sort()).toEqual(['token.obtained', 'token.taken', 'token.taken', 'token.taken']);
  });

  it('make one token request for a renewal: a process that finds a newer token in the store takes it', async () => {
    const fleet = await startFleet();
    const [a, b, c] = [await fleet.joined(), await fleet.joined(), await fleet.joined()];
    await a.moov.renew();
    await Promise.all([b.moov.renew(), c.moov.renew()]);
    expect(fleet.sandbox.stats.tokenRequests).toBe(2);
    const tokens = await Promise.all([a, b, c].map(({ moov }) => moov.accessToken()));
    expect(new Set(tokens).size).toBe(1);
    // What they have now is the newest, so that the next renewal is one at Moov again.
    await Promise.all([a, b, c].map(({ moov }) => moov.renew()));
    expect(fleet.sandbox.stats.tokenRequests).toBe(3);
  });

  it('recover from a 401 with one token request', async () => {
    const fleet = await startFleet();
    const members = [await fleet.joined(), await fleet.joined(), await fleet.joined()];
    fleet.sandbox.revokeTokens();
    const replies = await Promise.all(members.map(({ moov }) => moov.client.get('/ping')));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(fleet.sandbox.stats.tokenRequests).toBe(2);
  });

  it('get the token of another process by notification, or soon after by polling', async () => {
    for (const told of [true, false]) {
      const fleet = await startFleet();
      const hold = fleet.relay.holdNextReply('/oauth2/token');
      const holder = await fleet.join();
      await hold.reached;
      const waiter = await fleet.join();
      await untilListening(fleet, waiter);
      if (!told) for (const subscriber of waiter.client.subscribers) subscriber.destroy();
      await untilHeld(waiter);
      hold.release();
      await Promise.all([holder.moov.ready(), waiter.moov.ready()]);
      expect(waiter.got()).toEqual({ minted: 0, taken: 1 });
      expect(fleet.sandbox.stats.tokenRequests).toBe(1);
    }
  });

  it('learn that another process got no token, and retry a little later', async () => {
    const fleet = await startFleet();
    fleet.sandbox.fail({ path: '/oauth2/token', status: 401, body: { error: 'not now' } });
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const first = await fleet.join();
    await hold.reached;
    const second = await fleet.join();
    await untilListening(fleet, second);
    await untilHeld(second);
    const refused = failure(second.moov.ready());
    hold.release();
    expect(await refused).toMatchObject({
      code: 'ERR_MOOV_ANOTHER_FAILED',
      status: 503,
    });
    expect(fleet.sandbox.stats.tokenRequests).toBe(1);
    await second.moov.ready();
    expect(first.count('token.failed')).toBe(1);
    expect(second.got()).toEqual({ minted: 1, taken: 0 });
  });

  it('send no command for calls with a fresh token, and two for a renewal', async () => {
    const fleet = await startFleet();
    const [one, other] = [await fleet.joined(), await fleet.joined()];
    const before = one.client.sent.length;
    const ask = await fleet.redis.client();
    await ask.configResetStat();
    for (let i = 0; i < 4; i++)
      await Promise.all(Array.from({ length: 50 }, () => one.moov.client.get('/ping')));
    expect(one.client.sent.length - before).toBe(0);
    expect(await evals(ask)).toBe(0);
    await one.moov.renew();
    expect(await evals(ask)).toBe(2);
    await other.moov.renew();
    expect(await evals(ask)).toBe(3);
    expect(fleet.sandbox.stats).toMatchObject({ tokenRequests: 2, apiRequests: 200 });
  });

  it('share also over a client that maps strings to Buffers', async () => {
    const fleet = await startFleet();
    const client = (await fleet.redis.client()).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    const [one, other] = [await fleet.joined({}, { client }), await fleet.joined()];
    expect([one.got(), other.got()]).toEqual([
      { minted: 1, taken: 0 },
      { minted: 0, taken: 1 },
    ]);
    expect(one.count('store.unavailable')).toBe(0);
  });

  it('share exactly if they would request the same token from Moov', async () => {
    const [fleet, elsewhere] = [await startFleet(), await startSandbox()];
    await fleet.joined();
    const origins = ['https://app.example.com', 'https://other.example.com'];
    const two = await startSandbox({ origins });
    const others = [
      { baseURL: elsewhere.url },
      { baseURL: two.url, origin: 'https://other.example.com' },
      { baseURL: two.url, origin: 'https://app.example.com' },
    ];
    for (const options of others)
      expect((await fleet.joined(options)).got()).toEqual({ minted: 1, taken: 0 });
    const scoped = await fleet.joined();
    await scoped.moov.clientFor({ scopes: '/accounts.read' }).get('/accounts');
    expect(scoped.got()).toEqual({ minted: 1, taken: 1 });
    const client = await startSandbox({ clientId: 'another-public-key' });
    const key = { clientId: 'another-public-key', baseURL: client.url };
    expect((await fleet.joined(key)).got()).toEqual({ minted: 1, taken: 0 });
    // The same once more, and the scopes in another order.
    expect((await fleet.joined()).got()).toEqual({ minted: 0, taken: 1 });
    await scoped.moov.accessToken({ scopes: ['/accounts.read', '/ping.read'] });
    const reordered = await fleet.joined();
    await reordered.moov.accessToken({ scopes: '/ping.read /accounts.read' });
    expect(reordered.got()).toEqual({ minted: 0, taken: 2 });
  });

  it('with another client ID share nothing, also at one base URL', async () => {
    const fleet = await startFleet();
    await fleet.joined();
    const other = await fleet.join({ clientId: 'another-public-key', retries: 0 });
    // The sandbox knows one key alone, and refuses the other: nothing was taken.
    await expect(other.moov.ready()).rejects.toMatchObject({ code: 'ERR_MOOV_CREDENTIALS_REFUSED' });
    expect(other.got()).toEqual({ minted: 0, taken: 0 });
  });

  it('with other prefixes share nothing', async () => {
    const fleet = await startFleet();
    await fleet.joined();
    expect((await fleet.joined({}, { prefix: 'other:' })).got()).toEqual({ minted: 1, taken: 0 });
  });

  it('renew with the refresh token that another got', async () => {
    const fleet = await startFleet({ refreshTokens: true });
    const renewWith = 'refresh_token';
    const [one, other] = [await fleet.joined({ renewWith }), await fleet.joined({ renewWith })];
    await other.moov.renew();
    await one.moov.renew();
    await one.moov.renew();
    const grants = fleet.relay.requests
      .filter(({ path }) => path === '/oauth2/token')
      .map(({ form }) => form.grant_type);
    expect(grants).toEqual(['client_credentials', 'refresh_token', 'refresh_token']);
    expect([one.got(), other.got()]).toEqual([
      { minted: 2, taken: 1 },
      { minted: 1, taken: 1 },
    ]);
  });

  it('use one second connection per store, which the last close() closes', async () => {
    const fleet = await startFleet();
    const ask = await fleet.redis.client();
    const client = await fleet.redis.client();
    const listening = async () =>
      String(await ask.sendCommand(['CLIENT', 'LIST', 'TYPE', 'pubsub']))
        .split('\n')
        .filter((line) => line !== '').length;
    const store = redisTokenStore({ client, encryptionKey });
    const [one, other] = [await fleet.joined({ store }), await fleet.joined({ store })];
    while ((await listening()) !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
    await one.moov.close();
    await one.moov.close();
    expect(await listening()).toBe(1);
    await other.moov.close();
    while ((await listening()) !== 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(client.isReady).toBe(true);
    // A later one connects again.
    await fleet.joined({ store });
    while ((await listening()) !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('leave no second connection if they close while it opens', async () => {
    const fleet = await startFleet();
    const [ask, client] = [await fleet.redis.client(), await fleet.redis.client()];
    let connected: Promise<unknown> | undefined;
    const duplicate = () => {
      const second = client.duplicate();
      return {
        on: (event: 'error', listener: (error: unknown) => void) => second.on(event, listener),
        connect: () => (connected = second.connect()),
        subscribe: (channel: string, listener: (message: string) => void) =>
          second.subscribe(channel, listener),
        unref: () => second.unref(),
        destroy: () => second.destroy(),
      };
    };
    const store = redisTokenStore({
      client: { ...through(client, (next) => next()), duplicate },
      encryptionKey,
    });
    store.watch(() => undefined)();
    await connected?.catch(() => undefined);
    const connections = async () =>
      String(await ask.sendCommand(['CLIENT', 'LIST']))
        .trim()
        .split('\n').length;
    expect(connected).toBeDefined();
    // The one that asks, and the one of the store.
    while ((await connections()) !== 2) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('a process that closes during a token request has released the lock when close() resolves', async () => {
    const fleet = await startFleet();
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const leaving = await fleet.join();
    await hold.reached;
    const ask = await fleet.redis.client();
    const locks = () => ask.keys('*:lock');
    expect(await locks()).toHaveLength(1);
    await leaving.moov.close();
    expect(await locks()).toEqual([]);
    hold.release();
    expect((await fleet.joined()).got()).toEqual({ minted: 1, taken: 0 });
  });

  it('a lock that Redis grants too late is released, so that nobody waits for it', async () => {
    const fleet = await startFleet();
    const real = await fleet.redis.client();
    let late: Promise<unknown> | undefined;
    let giveIt: () => void = () => undefined;
    const given = new Promise<void>((resolve) => {
      giveIt = resolve;
    });
    const slow = through(real, (next) => {
      const answer = next();
      if (late !== undefined) return answer;
      late = answer;
      return given.then(() => answer);
    });
    const first = await fleet.joined({}, { client: slow });
    expect(first.count('store.unavailable')).toBe(1);
    const ask = await fleet.redis.client();
    expect(await ask.keys('*:lock')).toHaveLength(1);
    giveIt();
    while ((await ask.keys('*:lock')).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await fleet.joined()).got()).toEqual({ minted: 1, taken: 0 });
  });
});

async function evals(ask: { info(section: string): Promise<unknown> }): Promise<number> {
  const stats = String(await ask.info('commandstats'));
  return Number(/cmdstat_eval:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}
