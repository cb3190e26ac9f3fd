import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { allow, pingWith } from '../helpers/apps.js';
import { failure, until } from '../helpers/moov.js';
import { redisIsMissing } from '../helpers/programs.js';
import { type Fleet, type Member, startFleet, through, untilAvailable, untilListening } from './fleet.js';

const revocations: [name: string, revoke: (member: Member) => Promise<unknown>][] = [
  ['moov.revoke()', ({ moov }) => moov.revoke()],
  [
    'the revoke router',
    async ({ moov }) => {
      const app = express().use('/oauth', moov.revokeRouter({ guard: allow, held: true }));
      await supertest(app).post('/oauth/revoke').expect(200);
    },
  ],
  ['close({ revoke: true })', ({ moov }) => moov.close({ revoke: true })],
];

async function stored(fleet: Fleet): Promise<string[]> {
  return (await fleet.redis.client()).keys('*:token');
}

describe.skipIf(redisIsMissing).each(revocations)('%s', (_name, revoke) => {
  it('removes the shared token first, and then revokes it at Moov', async () => {
    const fleet = await startFleet();
    const member = await fleet.joined();
    const token = await member.moov.accessToken();
    const hold = fleet.relay.holdNextReply('/oauth2/revoke');
    const revoked = revoke(member);
    await hold.reached;
    // Moov knows, and its answer is on its way; Redis knew before.
    expect(await stored(fleet)).toEqual([]);
    hold.release();
    await revoked;
    expect(await pingWith(fleet.sandbox, token)).toBe(401);
    expect(fleet.relay.revocations).toEqual([{ token, token_type_hint: 'access_token' }]);
  });

  it('does not ask Moov before Redis has answered', async () => {
    const fleet = await startFleet();
    const real = await fleet.redis.client();
    const order: string[] = [];
    const client = through(real, async (next, args) => {
      if (!args[1]?.includes("redis.call('DEL', KEYS[1], KEYS[2])")) return next();
      await new Promise((resolve) => setTimeout(resolve, 100));
      order.push(`Redis after ${fleet.relay.revocations.length} revocations at Moov`);
      return next();
    });
    const member = await fleet.joined({}, { client });
    await revoke(member);
    expect(order).toEqual(['Redis after 0 revocations at Moov']);
    expect(fleet.relay.revocations).toHaveLength(1);
  });

  it('reaches the other processes, which drop the token without a 401', async () => {
    const fleet = await startFleet();
    const [one, ...others] = [await fleet.joined(), await fleet.joined(), await fleet.joined()];
    if (one === undefined) throw new Error('nobody joined');
    await untilListening(fleet, ...others);
    await revoke(one);
    for (const { moov } of others) await until(() => moov.status().tokens === 0, 'the token is dropped');
    for (const { moov } of others) expect((await moov.client.get('/ping')).status).toBe(200);
    expect(fleet.sandbox.stats).toMatchObject({ unauthorized: 0, tokenRequests: 2, tokensRevoked: 1 });
  });

  it('reaches processes without pub/sub at their next 401', async () => {
    const fleet = await startFleet();
    const [one, ...others] = [await fleet.joined(), await fleet.joined(), await fleet.joined()];
    if (one === undefined) throw new Error('nobody joined');
    await untilListening(fleet, ...others);
    for (const { client } of others) for (const subscriber of client.subscribers) subscriber.destroy();
    await revoke(one);
    for (const { moov } of others) expect(moov.status().tokens).toBe(1);
    for (const { moov } of others) expect((await moov.client.get('/ping')).status).toBe(200);
    // Each has its own 401, and the second takes what the first obtained.
    expect(fleet.sandbox.stats).toMatchObject({ unauthorized: 2, tokenRequests: 2 });
  });
});

describe.skipIf(redisIsMissing)('a revocation', () => {
  it('reaches the other processes also after their second connections were cut and restored', async () => {
    const fleet = await startFleet();
    const [one, other] = [await fleet.joined(), await fleet.joined()];
    await untilListening(fleet, one, other);
    const ask = await fleet.redis.client();
    await ask.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await untilListening(fleet, one, other);
    await one.moov.revoke();
    await until(() => other.moov.status().tokens === 0, 'the token is dropped');
  });

  it('that overtakes a token request: its token cannot be put, is revoked at Moov, and another is requested', async () => {
    const fleet = await startFleet();
    const one = await fleet.joined();
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const renewed = one.moov.renew();
    await hold.reached;
    const other = await fleet.joined();
    const overtaken = fleet.relay.requests.filter(({ path }) => path === '/oauth2/token').at(-1);
    await other.moov.revoke();
    expect(fleet.relay.revocations).toHaveLength(1);
    hold.release();
    await renewed;
    await until(() => fleet.relay.revocations.length === 2, 'the token that came too late is given back');
    expect(fleet.relay.revocations.at(-1)).toEqual({
      token: overtaken?.reply.access_token,
      token_type_hint: 'access_token',
    });
    expect(await one.moov.accessToken()).not.toBe(overtaken?.reply.access_token);
    for (const { moov } of [one, other]) expect((await moov.client.get('/ping')).status).toBe(200);
    expect(await one.moov.accessToken()).toBe(await other.moov.accessToken());
    expect(fleet.sandbox.stats).toMatchObject({ unauthorized: 0, tokenRequests: 3, tokensRevoked: 2 });
  });

  it('by the same process also revokes a token in flight, with its refresh token', async () => {
    const fleet = await startFleet({ refreshTokens: true });
    const one = await fleet.joined({ renewWith: 'refresh_token' });
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const renewed = one.moov.renew();
    await hold.reached;
    const revoked = one.moov.revoke();
    await until(() => fleet.relay.revocations.length === 2, 'the token held is revoked');
    hold.release();
    await Promise.all([revoked, renewed]);
    await until(() => fleet.relay.revocations.length === 4, 'all four are given back');
    const tokens = fleet.relay.requests
      .filter(({ path }) => path === '/oauth2/token')
      .slice(0, 2)
      .flatMap(({ reply }) => [reply.refresh_token, reply.access_token]);
    expect(fleet.relay.revocations.map(({ token }) => token)).toEqual(tokens);
    expect((await one.moov.client.get('/ping')).status).toBe(200);
  });

  it('also revokes the newer token of another process', async () => {
    const fleet = await startFleet();
    const [one, other] = [await fleet.joined(), await fleet.joined()];
    const old = await one.moov.accessToken();
    await other.moov.renew();
    const newer = await other.moov.accessToken();
    expect(newer).not.toBe(old);
    await one.moov.revoke();
    expect(fleet.relay.revocations.map(({ token }) => token).sort()).toEqual([old, newer].sort());
    expect(await stored(fleet)).toEqual([]);
    await until(() => other.moov.status().tokens === 0, 'the other drops it');
  });

  it('does not revoke tokens of other scopes', async () => {
    const fleet = await startFleet();
    const [one, other] = [await fleet.joined(), await fleet.joined()];
    const kept = await other.moov.accessToken({ scopes: '/accounts.read' });
    await one.moov.revoke();
    expect(await pingWith(fleet.sandbox, kept)).not.toBe(401);
    expect(await stored(fleet)).toHaveLength(1);
    expect(await other.moov.accessToken({ scopes: '/accounts.read' })).toBe(kept);
  });

  it('while Redis is down revokes the cached tokens at Moov, rejects, and stays pending until Redis answers', async () => {
    const fleet = await startFleet();
    const [one, other] = [await fleet.joined(), await fleet.joined()];
    await fleet.redis.kill();
    expect(await failure(one.moov.revoke())).toMatchObject({ code: 'ERR_MOOV_STORE_UNAVAILABLE' });
    expect(fleet.sandbox.stats.tokensRevoked).toBe(1);
    expect(one.moov.status().pendingRevocations).toBe(1);
    for (const { moov } of [one, other]) expect((await moov.client.get('/ping')).status).toBe(200);
    expect(fleet.sandbox.stats.unauthorized).toBe(1);
    await fleet.redis.begin();
    await untilAvailable(one);
    await one.moov.revoke();
    expect(one.moov.status().pendingRevocations).toBe(0);
  });

  it('that Redis runs too late still revokes the removed token', async () => {
    const fleet = await startFleet();
    const real = await fleet.redis.client();
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const client = through(real, async (next, args) => {
      if (args[1]?.includes("redis.call('DEL', KEYS[1], KEYS[2])")) await released;
      return next();
    });
    const [one, other] = [await fleet.joined({}, { client }), await fleet.joined()];
    await other.moov.renew();
    const newer = await other.moov.accessToken();
    expect(await failure(one.moov.revoke())).toMatchObject({ code: 'ERR_MOOV_STORE_UNAVAILABLE' });
    expect(one.moov.status().pendingRevocations).toBe(1);
    expect(await pingWith(fleet.sandbox, newer)).toBe(200);
    release();
    await until(() => fleet.relay.revocations.some(({ token }) => token === newer), 'it is revoked at Moov');
    await until(() => one.moov.status().pendingRevocations === 0, 'nothing is pending any more');
    expect((await other.moov.client.get('/ping')).status).toBe(200);
  });

  it('keeps a revoked token out of Redis after Redis lost its data', async () => {
    const fleet = await startFleet();
    const [one, other] = [await fleet.joined(), await fleet.joined()];
    const revoked = await one.moov.accessToken();
    await one.moov.revoke();
    await Promise.all([one.moov.client.get('/ping'), other.moov.client.get('/ping')]);
    const late = await fleet.joined();
    expect(late.got()).toEqual({ minted: 0, taken: 1 });
    expect(await late.moov.accessToken()).not.toBe(revoked);
  });
});
