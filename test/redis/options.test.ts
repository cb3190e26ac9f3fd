import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type MoovAuthOptions, MoovConfigError, memoryTokenStore, moovAuth } from '../../src/index.js';
import { redisTokenStore } from '../../src/redis/index.js';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';
import { clientThat } from '../helpers/redis-clients.js';
import { found, needlesOf } from '../security/secrets.js';

const client = createClient();
const key = randomBytes(32);

afterEach(() => {
  vi.unstubAllEnvs();
});

function make(options: unknown): unknown {
  return Reflect.apply(redisTokenStore, undefined, [options]);
}

function refusal(action: () => unknown): MoovConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof MoovConfigError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe.skipIf(redisIsMissing)('a key opens what it closed in whatever form it is given:', () => {
  const forms: [name: string, form: unknown, env?: string][] = [
    ['a Buffer', key],
    ['a Uint8Array', new Uint8Array(key)],
    ['base64', key.toString('base64')],
    ['base64 without padding', key.toString('base64').replace('=', '')],
    ['base64url', key.toString('base64url')],
    ['hex', key.toString('hex')],
    ['HEX', key.toString('hex').toUpperCase()],
    ['a list', [randomBytes(32).toString('hex'), key]],
    ['MOOV_TOKEN_KEY', undefined, key.toString('base64')],
    [
      'MOOV_TOKEN_KEY with a comma',
      undefined,
      `${randomBytes(32).toString('hex')}, ${key.toString('base64url')}`,
    ],
  ];
  it.each(forms)('%s', async (_name, encryptionKey, env) => {
    const server = await RedisServer.start();
    const connected = await server.client();
    const token = { accessToken: 'a', lifeMs: 60_000, renewAtLeftMs: 0 };
    const writer = redisTokenStore({ client: connected, encryptionKey: key });
    const locked = await writer.acquire('k', undefined);
    if (locked.state !== 'locked') throw new Error(locked.state);
    await writer.put(locked.lock, token, 60_000);
    vi.stubEnv('MOOV_TOKEN_KEY', env);
    const reader = Reflect.apply(redisTokenStore, undefined, [{ client: connected, encryptionKey }]);
    expect(await reader.acquire('k', undefined)).toMatchObject({ state: 'token', token });
  });
});

describe('a wrong option of redisTokenStore is named, with what was expected:', () => {
  const base64 = key.toString('base64');
  const wrong: [name: string, options: unknown, message: RegExp][] = [
    ['no options', undefined, /^redisTokenStore: expected an object of options; got none/],
    ['options that are a string', 'client', /expected an object of options; got a string/],
    [
      'an unknown one',
      { client, encryptionKey: key, ttl: 1 },
      /^redisTokenStore: unknown option "ttl".*client, encryptionKey, prefix, lockTtlMs/,
    ],
    ['no client', { encryptionKey: key }, /^client: expected a client of the package "redis".*; got none\.$/],
    [
      'a client that is a URL',
      { client: 'redis://user:pass@host', encryptionKey: key },
      /^client: .*; got a string\.$/,
    ],
    [
      'a client of another package',
      { client: { get() {}, set() {}, eval() {} }, encryptionKey: key },
      /^client: .*; got an object/,
    ],
    [
      'a cluster client',
      { client: createCluster({ rootNodes: [{}] }), encryptionKey: key },
      /^client: expected .*createClient\(\); got a cluster client, made by createCluster\(\)\.$/,
    ],
    [
      'a Sentinel client',
      {
        client: createSentinel({ name: 'm', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }),
        encryptionKey: key,
      },
      /^client: expected .*createClient\(\); got a Sentinel client, made by createSentinel\(\)\.$/,
    ],
    [
      'a client pool',
      { client: createClientPool(), encryptionKey: key },
      /^client: expected .*createClient\(\); got a client pool, made by createClientPool\(\)\.$/,
    ],
    [
      'no key',
      { client },
      /^encryptionKey: expected 32 bytes.* \(openssl rand -base64 32\).*; got none\. Set it in the options or as MOOV_TOKEN_KEY\.$/,
    ],
    ['a short key', { client, encryptionKey: key.subarray(1) }, /^encryptionKey: .*; got 31 bytes\./],
    [
      'a long key',
      { client, encryptionKey: Buffer.concat([key, key]) },
      /^encryptionKey: .*; got 64 bytes\./,
    ],
    [
      'a password',
      { client, encryptionKey: 'correct horse battery staple' },
      /^encryptionKey: .*; got a string of 28 characters\. Set it in the options or as MOOV_TOKEN_KEY\.$/,
    ],
    [
      'a cut base64',
      { client, encryptionKey: base64.slice(0, -3) },
      /^encryptionKey: .*; got a string of 41 characters\./,
    ],
    [
      'base64 with a line break',
      { client, encryptionKey: `${base64}\n` },
      /^encryptionKey: .*; got a string of 45 characters\./,
    ],
    ['an empty key', { client, encryptionKey: '' }, /^encryptionKey: .*; got an empty string\./],
    ['a number', { client, encryptionKey: 4711 }, /^encryptionKey: .*; got a number\./],
    ['null', { client, encryptionKey: null }, /^encryptionKey: .*; got none\./],
    ['no keys', { client, encryptionKey: [] }, /^encryptionKey: .*; got an empty list\./],
    [
      'a wrong one among them',
      { client, encryptionKey: [key, base64.slice(1)] },
      /^encryptionKey: .*; got a string of 43 characters at place 2 of 2\./,
    ],
    [
      'a prefix with a brace',
      { client, encryptionKey: key, prefix: '{app}:' },
      /^prefix: expected a string of 1 to 100.*; got a string\.$/,
    ],
    ['an empty prefix', { client, encryptionKey: key, prefix: '' }, /^prefix: .*; got an empty string/],
    ['a prefix with a space', { client, encryptionKey: key, prefix: 'a b' }, /^prefix: /],
    [
      'no life of a lock',
      { client, encryptionKey: key, lockTtlMs: 0 },
      /^lockTtlMs: expected a whole number of milliseconds.*; got 0\.$/,
    ],
    ['half a millisecond', { client, encryptionKey: key, lockTtlMs: 1.5 }, /^lockTtlMs: .*; got 1\.5\.$/],
    ['a text', { client, encryptionKey: key, lockTtlMs: '15s' }, /^lockTtlMs: .*; got a string\.$/],
  ];
  it.each(wrong)('%s', (_name, options, message) => {
    vi.stubEnv('MOOV_TOKEN_KEY', undefined);
    const error = refusal(() => make(options));
    expect(error.message).toMatch(message);
    expect(error.code).toBe('ERR_MOOV_CONFIG');
  });

  it.each([
    ['short', 'a string of 5 characters.'],
    [` ${base64.slice(2)} `, 'a string of 42 characters.'],
    [`${base64},`, 'an empty string at place 2 of 2.'],
    ['', 'an empty string.'],
  ])('MOOV_TOKEN_KEY=%s', (value, told) => {
    vi.stubEnv('MOOV_TOKEN_KEY', value);
    const { message } = refusal(() => make({ client }));
    expect(message).toMatch(/^MOOV_TOKEN_KEY: expected 32 bytes in base64 \(43 or 44 characters\) or in hex/);
    expect(message).toContain(`; got ${told}`);
  });

  it('an unknown one near to a known one', () => {
    const { message } = refusal(() => make({ client, encryptionkey: key }));
    expect(message).toContain(
      'redisTokenStore: unknown option "encryptionkey". Did you mean "encryptionKey"? Options are',
    );
  });

  it('never with the value, in whatever form it was given', () => {
    const long = randomBytes(40);
    const forms = [long, long.toString('base64'), long.toString('hex'), [key, long.toString('base64url')]];
    const needles = needlesOf([
      { name: 'key', value: long.toString('base64') },
      { name: 'key', value: long.toString('latin1') },
    ]);
    for (const encryptionKey of forms) {
      const error = refusal(() => make({ client, encryptionKey }));
      const text = inspect(error, { depth: null, showHidden: true, getters: true });
      expect(found(text, needles)).toEqual([]);
      expect(text).not.toContain(long.toString('hex').slice(0, 24));
      expect(text).not.toContain(long.toString('base64url').slice(0, 24));
    }
    vi.stubEnv('MOOV_TOKEN_KEY', `${long.toString('base64')},`);
    const { message } = refusal(() => make({ client }));
    expect(message).toContain('place 1 of 2');
    expect(found(message, needles)).toEqual([]);
  });
});

describe('the option store of moovAuth', () => {
  const base: MoovAuthOptions = { baseURL: 'http://127.0.0.1:1', clientId: 'id', clientSecret: 'secret' };

  it('is refused when its locks end before a token request may', () => {
    for (const store of [
      memoryTokenStore({ lockTtlMs: 10_000 }),
      redisTokenStore({ client: clientThat(() => null), encryptionKey: key, lockTtlMs: 10_000 }),
      { ...memoryTokenStore(), lockTtlMs: Number.NaN },
    ]) {
      const { message } = refusal(() => moovAuth('/ping.read', { ...base, store }));
      expect(message).toMatch(
        /^store: expected a lockTtlMs of more than tokenTimeoutMs \(10000\).*; got (10000|NaN)\.$/,
      );
    }
  });

  it('is refused when it is none', () => {
    const { acquire: _, ...incomplete } = memoryTokenStore();
    for (const store of [client, 'redis://localhost', null, incomplete, redisTokenStore]) {
      const options: MoovAuthOptions = Object.assign({ ...base }, { store });
      expect(refusal(() => moovAuth('/ping.read', options)).message).toMatch(
        /^store: expected a token store/,
      );
    }
  });
});
