import { describe, expect, it } from 'vitest';
import { type MoovAuthEvent, moovAuth } from '../../src/index.js';
import { redisTokenStore } from '../../src/redis/index.js';
import { heldClock } from '../helpers/fast-clock.js';
import { failure, until } from '../helpers/moov.js';
import { redisIsMissing } from '../helpers/programs.js';
import {
  encryptionKey,
  type Fleet,
  type Member,
  startFleet,
  untilAvailable,
  untilHeld,
  untilListening,
} from './fleet.js';

/** The rights that docs/many-machines.md asks for. */
const RIGHTS = ['+eval +get +set +del +pttl +publish +subscribe +info', '~moov:*', '&moov:*'].flatMap(
  (rules) => rules.split(' '),
);

function warningsOf({ events }: Member): string[] {
  return events.flatMap((event) => (event.type === 'store.warning' ? [event.message] : []));
}

/** Two processes whose Redis user has these rights; the second joins when `between` has ended. */
async function joinAs(
  fleet: Fleet,
  rules: readonly string[],
  between = (one: Member): Promise<unknown> => one.moov.ready(),
): Promise<readonly [Member, Member]> {
  const user = await fleet.redis.user(...rules);
  const join = async () => fleet.join({}, { client: await fleet.redis.client(user) });
  const one = await join();
  await between(one);
  return [one, await join()];
}

/** Waits until the store has found what there is to report. */
async function checked(member: Member): Promise<void> {
  await member.moov.ready();
  // On a busy machine the first answer may take more than 250 ms.
  if (member.count('store.unavailable') > 0) await untilAvailable(member);
  await until(() => member.client.sent.some(([name]) => name === 'INFO'), 'the store is checked');
  await until(() => member.client.answers.length === member.client.sent.length, 'and has answered');
}

describe.skipIf(redisIsMissing)('a Redis user', () => {
  it('with the rights that the guide names works without a warning', async () => {
    const fleet = await startFleet();
    const [member, other] = await joinAs(fleet, RIGHTS);
    await checked(member);
    await checked(other);
    await untilListening(fleet, other);
    await member.moov.revoke();
    await until(() => other.moov.status().tokens === 0, 'the token is dropped');
    for (const { events } of [member, other]) {
      expect(events.filter(({ type }) => type.startsWith('store.'))).toEqual([]);
    }
  });

  const lacking: [name: string, rules: readonly string[], warnings: RegExp[]][] = [
    ['without channels', ['+@all', '~*'], [/may not publish to moov:changes/, /may not subscribe/]],
    ['without PUBLISH', ['+@all', '~*', '&*', '-publish'], [/may not publish to moov:changes/]],
    ['without SUBSCRIBE', ['+@all', '~*', '&*', '-subscribe'], [/may not subscribe to moov:changes/]],
    ['with another channel', ['+@all', '~*', '&other:*'], [/may not publish/, /may not subscribe/]],
    ['without INFO', ['+@all', '~*', '&*', '-info'], []],
  ];
  it.each(lacking)(
    '%s is reported once, and shares tokens and revocations',
    async (_name, rules, expected) => {
      const pass = heldClock();
      const fleet = await startFleet();
      const hold = fleet.relay.holdNextReply('/oauth2/token');
      const [one, other] = await joinAs(fleet, rules, () => hold.reached);
      await untilHeld(other);
      hold.release();
      await Promise.all([one.moov.ready(), other.moov.ready()]);
      expect(fleet.sandbox.stats.tokenRequests).toBe(1);
      for (let i = 0; i < 3; i++) {
        await one.moov.renew();
        await other.moov.renew();
        pass(1_000);
      }
      expect(fleet.sandbox.stats).toMatchObject({ tokenRequests: 4, tokensRevoked: 0 });
      // A lock is also released without the right to publish.
      fleet.sandbox.fail({ path: '/oauth2/token', status: 400, body: { error: 'invalid_request' } });
      await expect(one.moov.renew()).rejects.toThrow();
      pass(1_000);
      await one.moov.revoke();
      expect(one.moov.status().pendingRevocations).toBe(0);
      for (const { moov } of [one, other]) expect((await moov.client.get('/ping')).status).toBe(200);
      expect(await one.moov.accessToken()).toBe(await other.moov.accessToken());
      for (const member of [one, other]) {
        await until(() => warningsOf(member).length >= expected.length, 'it is reported');
        expect(warningsOf(member)).toEqual(expected.map((warning) => expect.stringMatching(warning)));
        expect(member.count('store.unavailable')).toBe(0);
      }
    },
  );

  it('without channels that is given them later listens after a minute', async () => {
    const pass = heldClock();
    const fleet = await startFleet();
    const [member] = await joinAs(fleet, ['+@all', '~*']);
    await checked(member);
    await until(() => warningsOf(member).length === 2, 'it is reported');
    const admin = await fleet.redis.client();
    await admin.sendCommand(['ACL', 'SETUSER', 'app', '&moov:*']);
    await member.moov.renew();
    expect(member.client.subscribers).toHaveLength(1);
    pass(60_001);
    await member.moov.renew();
    await untilListening(fleet, member);
    expect(member.client.subscribers).toHaveLength(2);
  });

  const refused: [name: string, rules: readonly string[]][] = [
    ['without EVAL', ['+@all', '~*', '&*', '-eval']],
    ['without GET', ['+@all', '~*', '&*', '-get']],
    ['without DEL', ['+@all', '~*', '&*', '-del']],
    ['without the keys', ['+@all', '~other:*', '&*']],
  ];
  it.each(refused)('%s fails no call; its revoke() rejects and stays pending', async (_name, rules) => {
    const pass = heldClock();
    const fleet = await startFleet();
    const [member] = await joinAs(fleet, rules);
    expect((await member.moov.client.get('/ping')).status).toBe(200);
    await member.moov.renew();
    pass(1_000);
    const first = await member.moov.accessToken();
    expect(await failure(member.moov.revoke())).toMatchObject({ code: 'ERR_MOOV_STORE_UNAVAILABLE' });
    expect(member.moov.status().pendingRevocations).toBe(1);
    expect(fleet.relay.revocations.map(({ token }) => token)).toContain(first);
    expect((await member.moov.client.get('/ping')).status).toBe(200);
    expect(member.count('store.unavailable')).toBeGreaterThan(0);
  });

  it('whose password is changed meanwhile fails no call', async () => {
    const pass = heldClock();
    const fleet = await startFleet();
    const [member] = await joinAs(fleet, RIGHTS);
    const admin = await fleet.redis.client();
    await admin.sendCommand(['ACL', 'SETUSER', 'app', 'resetpass', '>other']);
    // Whoever fails to log in would be this user otherwise.
    await admin.sendCommand(['ACL', 'SETUSER', 'default', 'off']);
    await admin.sendCommand(['CLIENT', 'KILL', 'USER', 'app']);
    for (let i = 0; i < 3; i++) {
      pass(1_000);
      await member.moov.renew();
      expect((await member.moov.client.get('/ping')).status).toBe(200);
    }
    expect(await failure(member.moov.revoke())).toMatchObject({ code: 'ERR_MOOV_STORE_UNAVAILABLE' });
  });
});

describe.skipIf(redisIsMissing)('the memory of Redis', () => {
  it.each(['allkeys-lru', 'volatile-ttl'])('is limited under %s: reported once', async (policy) => {
    const fleet = await startFleet({}, { maxmemory: '100mb', 'maxmemory-policy': policy });
    const member = await fleet.join();
    await checked(member);
    await until(() => warningsOf(member).length > 0, 'it is reported');
    await member.moov.renew();
    expect(warningsOf(member)).toEqual([expect.stringContaining(`maxmemory-policy "${policy}"`)]);
  });

  it('is not limited, or nothing is evicted from it: no warning', async () => {
    for (const maxmemory of ['0', '100mb']) {
      const policy = maxmemory === '0' ? 'allkeys-lru' : 'noeviction';
      const fleet = await startFleet({}, { maxmemory, 'maxmemory-policy': policy });
      const member = await fleet.join();
      await checked(member);
      expect(warningsOf(member)).toEqual([]);
    }
  });

  it('is full: no call fails, tokens are read, put and taken out', async () => {
    const pass = heldClock();
    const fleet = await startFleet();
    const ask = await fleet.redis.client();
    const one = await fleet.joined();
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const renewed = one.moov.renew();
    await hold.reached;
    await ask.configSet('maxmemory', '1');
    hold.release();
    await renewed;
    // What the holder of a lock puts frees the lock's memory first.
    const other = await fleet.joined();
    expect(other.got()).toEqual({ minted: 0, taken: 1 });
    // A new lock needs memory.
    await other.moov.renew();
    expect(other.events).toContainEqual(
      expect.objectContaining({ type: 'store.unavailable', message: expect.stringMatching(/^OOM/) }),
    );
    const token = await one.moov.accessToken();
    await one.moov.revoke();
    expect(one.moov.status().pendingRevocations).toBe(0);
    expect(fleet.relay.revocations.map((revoked) => revoked.token)).toContain(token);
    expect((await ask.keys('*')).filter((name) => !name.endsWith(':generation'))).toEqual([]);
    for (const { moov } of [one, other]) expect((await moov.client.get('/ping')).status).toBe(200);
    pass(1_000);
    // Also although the store has just failed for a renewal.
    await other.moov.renew();
    await other.moov.revoke();
    expect(other.moov.status().pendingRevocations).toBe(0);
  });

  it('is full: a process that requests a token meanwhile can’t put it after the revocation', async () => {
    const fleet = await startFleet();
    const ask = await fleet.redis.client();
    const other = await fleet.joined();
    const one = await fleet.joined();
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const renewed = one.moov.renew();
    await hold.reached;
    await ask.configSet('maxmemory', '1');
    await other.moov.revoke();
    await ask.configSet('maxmemory', '0');
    hold.release();
    await renewed;
    await until(() => fleet.sandbox.stats.tokensRevoked === 2, 'the overtaken token is revoked too');
  });
});

describe.skipIf(redisIsMissing)('a Redis that became a read-only replica', () => {
  it('fails no call and revokes no good token; revoke() rejects and stays pending', async () => {
    const fleet = await startFleet();
    const one = await fleet.joined();
    const ask = await fleet.redis.client();
    await ask.sendCommand(['REPLICAOF', '127.0.0.1', '1']);
    // What is there can be read.
    const other = await fleet.joined();
    expect(other.got()).toEqual({ minted: 0, taken: 1 });
    await other.moov.renew();
    expect(other.events).toContainEqual(
      expect.objectContaining({ type: 'store.unavailable', message: expect.stringMatching(/^READONLY/) }),
    );
    for (const { moov } of [one, other]) expect((await moov.client.get('/ping')).status).toBe(200);
    expect(fleet.sandbox.stats.tokensRevoked).toBe(0);
    expect(await failure(one.moov.revoke())).toMatchObject({ code: 'ERR_MOOV_STORE_UNAVAILABLE' });
    expect(one.moov.status().pendingRevocations).toBe(1);
    await ask.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    await one.moov.revoke();
    expect(one.moov.status().pendingRevocations).toBe(0);
    expect(await ask.keys('*:token')).toEqual([]);
  });

  it('while a token is requested: that token is used', async () => {
    const fleet = await startFleet();
    const hold = fleet.relay.holdNextReply('/oauth2/token');
    const member = await fleet.join();
    await hold.reached;
    await (await fleet.redis.client()).sendCommand(['REPLICAOF', '127.0.0.1', '1']);
    hold.release();
    expect((await member.moov.client.get('/ping')).status).toBe(200);
    expect(fleet.sandbox.stats).toMatchObject({ tokenRequests: 1, tokensRevoked: 0 });
  });
});

it.skipIf(redisIsMissing)('a store that several MoovAuths have is checked for each', async () => {
  const fleet = await startFleet({}, { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' });
  const store = redisTokenStore({ client: await fleet.redis.client(), encryptionKey });
  for (let i = 0; i < 2; i++) {
    const events: MoovAuthEvent[] = [];
    const moov = moovAuth('/ping.read', {
      ...fleet.sandbox.options,
      store,
      onEvent: (event) => events.push(event),
    });
    await moov.ready();
    await until(() => events.some(({ type }) => type === 'store.warning'), 'it is reported');
    await moov.close();
  }
});
