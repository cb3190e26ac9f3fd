import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type MoovAuthEvent, type MoovAuthOptions, moovAuth } from '../../src/index.js';
import { redisTokenStore } from '../../src/redis/index.js';
import { startSandbox, until } from '../helpers/moov.js';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';
import { RecordingClient } from '../helpers/redis-clients.js';
import { found, needlesOf } from '../security/secrets.js';

const KEY = Buffer.alloc(32, 7);
const TOKEN = {
  accessToken: 'the.access.token',
  refreshToken: 'the-refresh-token',
  lifeMs: 60_000,
  renewAtLeftMs: 0,
};

type Client = Awaited<ReturnType<RedisServer['client']>>;

async function putToken(client: Client, encryptionKey: Uint8Array | readonly Uint8Array[] = KEY, key = 'k') {
  const store = redisTokenStore({ client, encryptionKey });
  const answer = await store.acquire(key, undefined);
  if (answer.state !== 'locked') throw new Error(answer.state);
  expect(await store.put(answer.lock, TOKEN, 60_000)).toEqual(expect.any(String));
  return store;
}

/** Every value in Redis by its key. */
async function contents(client: Client): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const key of await client.keys('*')) values.set(key, (await client.get(key)) ?? '');
  return values;
}

describe.skipIf(redisIsMissing)('in Redis', () => {
  it('there is no token, scope, account, client, origin or secret, in Redis or on the wire', async () => {
    const [redis, sandbox] = [await RedisServer.start(), await startSandbox()];
    const client = await redis.client();
    const recording = new RecordingClient(client);
    const encryptionKey = randomBytes(32);
    const account = sandbox.platformAccountID;
    const moov = moovAuth(['/ping.read', '/accounts.read', `/accounts/${account}/transfers.read`], {
      ...sandbox.options,
      renewWith: 'refresh_token',
      store: redisTokenStore({ client: recording, encryptionKey }),
    });
    onTestFinished(() => moov.close());
    const monitor = await redis.client();
    const monitored: string[] = [];
    await monitor.MONITOR((line) => monitored.push(String(line)));

    const accessTokens = [await moov.accessToken()];
    // The store listens by itself; the first token may be there before it does.
    while ((await client.pubSubNumSub('moov:changes'))['moov:changes'] !== 1) {}
    const atRest = await contents(client);
    await moov.renew();
    accessTokens.push(await moov.accessToken());
    for (const [key, value] of await contents(client)) atRest.set(`${key} `, value);
    await moov.revoke();
    await until(
      () => monitored.length > 0 && recording.messages.some((told) => told.startsWith('revoked')),
      'all is seen',
    );

    const seen = [recording.text, JSON.stringify([...atRest]), monitored.join('\n')].join('\n');
    const values = [...atRest.values()].map((value) => Buffer.from(value, 'base64').toString('latin1'));
    const text = [seen, ...values].join('\n');
    const { clientId, clientSecret } = sandbox.options;
    const origin = sandbox.origins[0] ?? '';
    for (const readable of [
      clientId,
      clientSecret,
      origin,
      new URL(origin).host,
      sandbox.url,
      account,
      'ping',
      'accounts',
      'transfers',
      '.read',
    ]) {
      expect(String(readable).length).toBeGreaterThan(3);
      expect(text).not.toContain(readable);
    }
    const secrets = [
      ...accessTokens.map((value, i) => ({ name: `access token ${i}`, value })),
      { name: 'encryption key', value: encryptionKey.toString('base64') },
      { name: 'encryption key', value: encryptionKey.toString('hex') },
    ];
    expect(found(text, needlesOf(secrets))).toEqual([]);
    // That something was looked at: two tokens were put and one revoked.
    expect([...atRest.keys()].filter((key) => key.trim().endsWith(':token'))).toHaveLength(2);
    // "check" is the probe of the right to publish.
    const kinds = recording.messages.map((message) => message.split(' ')[0]);
    expect(kinds.filter((kind) => kind !== 'check').slice(-2)).toEqual(['stored', 'revoked']);
  });

  it('names are hashes of client, base URL, origin and scopes: the same for all processes, and only with all four', async () => {
    const [redis, sandbox] = [await RedisServer.start(), await startSandbox()];
    const client = await redis.client();
    const moov = moovAuth('/ping.read', {
      ...sandbox.options,
      store: redisTokenStore({ client, encryptionKey: KEY, prefix: 'app:' }),
    });
    onTestFinished(() => moov.close());
    await moov.ready();
    const what = [sandbox.options.clientId, sandbox.url, sandbox.options.origin, '/ping.read'];
    const hash = createHash('sha256').update(JSON.stringify(what)).digest('base64url');
    expect((await client.keys('*')).sort()).toEqual([`app:{${hash}}:generation`, `app:{${hash}}:token`]);
  });

  it('the three keys of a token share one slot of a cluster, and those of other tokens do not', async () => {
    const redis = await RedisServer.startCluster();
    const client = new RecordingClient(await redis.client());
    const store = redisTokenStore({ client, encryptionKey: KEY });
    const slotsOf = async (key: string) => {
      const answer = await store.acquire(key, undefined);
      if (answer.state !== 'locked') throw new Error(answer.state);
      expect(await store.put(answer.lock, TOKEN, 60_000)).toEqual(expect.any(String));
      const [, , count, ...args] = client.sent.at(-1) ?? [];
      const names = args.slice(0, Number(count));
      expect(names).toHaveLength(3);
      return Promise.all(names.map((name) => client.sendCommand(['CLUSTER', 'KEYSLOT', name])));
    };
    const slots = await slotsOf('some-key');
    expect(new Set(slots).size).toBe(1);
    expect(slots[0]).toEqual(expect.any(Number));
    expect(slots).not.toEqual(await slotsOf('another-key'));
    expect(await store.revoke('some-key')).toEqual(TOKEN);
  });

  it('two values of the same token differ', async () => {
    const redis = await RedisServer.start();
    const client = await redis.client();
    await putToken(client, KEY, 'a');
    await putToken(client, KEY, 'b');
    const [a = '', b = ''] = [await client.get('moov:{a}:token'), await client.get('moov:{b}:token')].map(
      String,
    );
    expect(a).not.toBe(b);
    // Not even the nonce, with which two texts would tell what they differ in.
    expect(a.slice(0, 16)).not.toBe(b.slice(0, 16));
  });
});

describe.skipIf(redisIsMissing)('a value that cannot be decrypted counts as absent:', () => {
  const flips = [0, 5, 11, 12, 40, -17, -16, -1];
  const cases: [name: string, change: (value: string) => string][] = [
    ...flips.map((at): [string, (value: string) => string] => [
      `a bit of byte ${at} flipped`,
      (value) => {
        const bytes = Buffer.from(value, 'base64');
        const index = at < 0 ? bytes.length + at : at;
        bytes.writeUInt8(bytes.readUInt8(index) ^ 1, index);
        return bytes.toString('base64');
      },
    ]),
    ['empty', () => ''],
    ['garbage', () => 'garbage!'],
    ['long garbage', () => randomBytes(300).toString('base64')],
    ['a token that is not encrypted', () => JSON.stringify(TOKEN)],
    ['without its last byte', (value) => Buffer.from(value, 'base64').subarray(0, -1).toString('base64')],
    ['nonce and tag alone', (value) => Buffer.from(value, 'base64').subarray(0, 28).toString('base64')],
    ['the nonce alone', (value) => value.slice(0, 16)],
    // With four bytes of tag, forging one would take few attempts.
    ['a shortened tag', (value) => Buffer.from(value, 'base64').subarray(0, -12).toString('base64')],
  ];
  it.each(cases)('%s', async (_name, change) => {
    const redis = await RedisServer.start();
    const client = await redis.client();
    const store = await putToken(client);
    const name = 'moov:{k}:token';
    await client.set(name, change(String(await client.get(name))), { PX: 60_000 });
    const answer = await store.acquire('k', undefined);
    expect(answer).toMatchObject({ state: 'locked', unreadable: true });
    expect(await store.acquire('k', undefined)).toMatchObject({ state: 'held', unreadable: true });
    if (answer.state !== 'locked') throw new Error(answer.state);
    await store.put(answer.lock, TOKEN, 60_000);
    expect(await store.acquire('k', undefined)).toMatchObject({ state: 'token', token: TOKEN });
  });

  it('one copied to another key', async () => {
    const redis = await RedisServer.start();
    const client = await redis.client();
    const store = await putToken(client);
    await client.copy('moov:{k}:token', 'moov:{other}:token');
    expect(await store.acquire('other', undefined)).toMatchObject({ state: 'locked', unreadable: true });
    expect(await store.revoke('other')).toEqual({ tokens: [], unreadable: true });
    expect(await store.acquire('k', undefined)).toMatchObject({ state: 'token', token: TOKEN });
  });

  it('one that is no string', async () => {
    const redis = await RedisServer.start();
    const client = await redis.client();
    const store = await putToken(client);
    await client.del('moov:{k}:token');
    await client.hSet('moov:{k}:token', 'a', 'b');
    await expect(store.acquire('k', undefined)).rejects.toThrow(/WRONGTYPE/);
  });

  it('one of another key of ours', async () => {
    const redis = await RedisServer.start();
    const client = await redis.client();
    await putToken(client, Buffer.alloc(32, 1));
    const store = redisTokenStore({ client, encryptionKey: KEY });
    expect(await store.acquire('k', undefined)).toMatchObject({ state: 'locked', unreadable: true });
    expect(await store.revoke('k')).toEqual({ tokens: [], unreadable: true });
  });

  it('a MoovAuth reports it once, requests a new token, and stores that', async () => {
    const [redis, sandbox] = [await RedisServer.start(), await startSandbox()];
    const client = await redis.client();
    const start = async (encryptionKey: Uint8Array, more: MoovAuthOptions = {}) => {
      const events: MoovAuthEvent[] = [];
      const moov = moovAuth('/ping.read', {
        ...sandbox.options,
        store: redisTokenStore({ client, encryptionKey }),
        onEvent: (event) => events.push(event),
        ...more,
      });
      onTestFinished(() => moov.close());
      await moov.ready();
      return { moov, types: () => events.map(({ type }) => type) };
    };
    expect((await start(Buffer.alloc(32, 1))).types()).toEqual(['token.obtained']);
    const { moov, types } = await start(KEY);
    expect(types()).toEqual(['store.unreadable', 'token.obtained']);
    expect((await moov.client.get('/ping')).status).toBe(200);
    expect((await start(KEY)).types()).toEqual(['token.taken']);
    expect(sandbox.stats.tokenRequests).toBe(2);
  });
});

describe.skipIf(redisIsMissing)('encryption keys rotate', () => {
  it('the first encrypts, all decrypt', async () => {
    const redis = await RedisServer.start();
    const client = await redis.client();
    const [old, next] = [randomBytes(32), randomBytes(32)];
    await putToken(client, old);
    const both = redisTokenStore({ client, encryptionKey: [next, old] });
    const answer = await both.acquire('k', undefined);
    if (answer.state !== 'token') throw new Error(answer.state);
    expect(answer.token).toEqual(TOKEN);
    const locked = await both.acquire('k', answer.generation);
    if (locked.state !== 'locked') throw new Error(locked.state);
    await both.put(locked.lock, TOKEN, 60_000);
    const alone = (encryptionKey: Uint8Array) =>
      redisTokenStore({ client, encryptionKey }).acquire('k', undefined);
    expect(await alone(next)).toMatchObject({ state: 'token', token: TOKEN });
    expect(await alone(old)).toMatchObject({ state: 'locked', unreadable: true });
  });
});
