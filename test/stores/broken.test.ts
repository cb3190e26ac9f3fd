import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type MoovAuth,
  memoryTokenStore,
  moovAuth,
  type TokenStore,
  type TokenStoreChange,
} from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { rows } from '../helpers/full.js';
import { allScopes, failure, startMoov, startSandbox, until } from '../helpers/moov.js';

/** A store of which operations are replaced by others, which need not keep to the types. */
function storeWith(
  operations: Record<string, (...args: unknown[]) => unknown>,
  base = memoryTokenStore(),
): TokenStore {
  const store: TokenStore = { ...base };
  return Object.assign(store, operations);
}

const hangs = (): Promise<unknown> => new Promise(() => undefined);
const throws = (): unknown => {
  throw new Error('broken');
};
const token = { accessToken: 'a', lifeMs: 60_000, renewAtLeftMs: 0 };
const lock = { key: 'k', id: 'i', generation: '1' };

/** `revoke()` either has the store's answer and nothing pending, or rejects and keeps the set of scopes pending. */
async function expectHonestRevoke(moov: MoovAuth): Promise<boolean> {
  const error: unknown = await moov.revoke().catch((thrown: unknown) => thrown);
  const isRefused = error !== undefined;
  if (isRefused) expect(error).toMatchObject({ code: 'ERR_MOOV_STORE_UNAVAILABLE', status: 503 });
  expect(moov.status()).toMatchObject({ tokens: 0, pendingRevocations: isRefused ? 1 : 0 });
  return isRefused;
}

const nonsense: [name: string, value: unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 5],
  ['a text', 'token'],
  ['an empty object', {}],
  ['a function', () => undefined],
  ['an unknown state', { state: 'gone' }],
  ['a token that is none', { state: 'token', token: null, generation: '1', leftMs: 60_000 }],
  [
    'a token without text',
    { state: 'token', token: { ...token, accessToken: '' }, generation: '1', leftMs: 60_000 },
  ],
  [
    'a token for no header',
    { state: 'token', token: { ...token, accessToken: 'a\r\nb' }, generation: '1', leftMs: 60_000 },
  ],
  [
    'a token of a life that is a text',
    { state: 'token', token: { ...token, lifeMs: '5' }, generation: '1', leftMs: 60_000 },
  ],
  ['a token with NaN ms left', { state: 'token', token, generation: '1', leftMs: Number.NaN }],
  [
    'a token with endless time left',
    { state: 'token', token, generation: '1', leftMs: Number.POSITIVE_INFINITY },
  ],
  ['a token without a generation', { state: 'token', token, leftMs: 60_000 }],
  ['no lock', { state: 'locked' }],
  ['a lock without a generation', { state: 'locked', lock: { key: 'k', id: 'i' } }],
  ['a lock of numbers', { state: 'locked', lock: { ...lock, id: 5 } }],
  ['"held" without a time', { state: 'held' }],
  ['"held" for NaN ms', { state: 'held', leftMs: Number.NaN }],
];

const failings: [name: string, operation: () => unknown][] = [
  ['throws', throws],
  ['never settles', hangs],
  ['returns no promise', () => 5],
  ['rejects', () => Promise.reject(new Error('broken'))],
  ['rejects with nothing', () => Promise.reject(undefined)],
];

const operations = ['acquire', 'put', 'release', 'revoke'] as const;

describe('no call fails because of a store', () => {
  beforeEach(() => fastClock());

  it.each(nonsense)('whose acquire answers %s', async (_name, value) => {
    const { moov, sandbox, count } = await startMoov({ store: storeWith({ acquire: async () => value }) });
    expect((await moov.client.get('/ping')).status).toBe(200);
    await moov.renew();
    sandbox.revokeTokens();
    expect((await moov.client.get('/ping')).status).toBe(200);
    expect(sandbox.stats.tokenRequests).toBe(3);
    expect(count('store.unavailable')).toBe(1);
  });

  it.each(['put', 'revoke', 'release'] as const)('whose %s answers nonsense', async (operation) => {
    for (const value of [5, null, {}, 'text', () => undefined]) {
      const { moov } = await startMoov({ store: storeWith({ [operation]: async () => value }) });
      await moov.renew();
      expect((await moov.client.get('/ping')).status).toBe(200);
      const isRefused = await expectHonestRevoke(moov);
      if (operation === 'revoke' && value !== undefined) expect(isRefused).toBe(true);
      expect((await moov.client.get('/ping')).status).toBe(200);
    }
  });

  describe.each(rows(failings, 2))('of which an operation %s:', (_name, operation) => {
    it.each(operations)('%s', async (name) => {
      // A lock that the store does not release is waited for.
      const store = storeWith({ [name]: operation }, memoryTokenStore({ lockTtlMs: 2_001 }));
      const { moov, sandbox, count } = await startMoov({ store, tokenTimeoutMs: 2_000 });
      sandbox.fail({ path: '/oauth2/token', status: 400, body: { error: 'x' } });
      await moov.client.get('/ping').catch(() => undefined);
      expect(count('token.failed')).toBe(1);
      await moov.renew();
      expect((await moov.client.get('/ping')).status).toBe(200);
      sandbox.revokeTokens();
      expect((await moov.client.get('/ping')).status).toBe(200);
      const isRefused = await expectHonestRevoke(moov);
      if (name === 'revoke') expect(isRefused).toBe(true);
      expect((await moov.client.get('/ping')).status).toBe(200);
      await moov.close({ revoke: true });
    });

    it('all of them, and watch', async () => {
      const store = storeWith(Object.fromEntries([...operations, 'watch'].map((name) => [name, operation])));
      const { moov, count } = await startMoov({ store });
      expect((await moov.client.get('/ping')).status).toBe(200);
      expect(count('store.unavailable')).toBe(1);
      expect(await expectHonestRevoke(moov)).toBe(true);
      expect((await moov.client.get('/ping')).status).toBe(200);
      await moov.close({ revoke: true });
    });
  });

  it('that reports invalid changes, and whose watch cannot be ended', async () => {
    const thrown: unknown[] = [];
    let ended = 0;
    const store = storeWith({
      watch: (listener) => {
        const changes = [
          undefined,
          null,
          5,
          'revoked',
          {},
          { key: 5, kind: 'revoked' },
          { key: 'k', kind: 'gone' },
        ];
        for (const change of changes) {
          try {
            if (typeof listener === 'function') listener(change);
          } catch (error) {
            thrown.push(error);
          }
        }
        return () => {
          ended++;
          return throws();
        };
      },
    });
    const { moov } = await startMoov({ store });
    expect((await moov.client.get('/ping')).status).toBe(200);
    expect(thrown).toEqual([]);
    await moov.close();
    expect(moov.status().state).toBe('closed');
    expect(ended).toBe(1);
  });

  it('that keeps returning the known token', async () => {
    const useless = { ...token, lifeMs: 3_600_000 };
    let asked = 0;
    for (const generation of [() => 'always', () => String(asked)]) {
      asked = 0;
      const acquire = async () => {
        if (++asked > 1_000) throw new Error('asked without end');
        return { state: 'token', token: useless, generation: generation(), leftMs: 0 };
      };
      const { moov } = await startMoov({ store: storeWith({ acquire }) });
      expect((await moov.client.get('/ping')).status).toBe(200);
      expect(asked).toBe(4);
    }
  });

  it('that returns a token about to expire, and then the lock: the new token is put', async () => {
    const base = memoryTokenStore();
    const ending = { state: 'token', token, generation: 'old', leftMs: 1 };
    const known: unknown[] = [];
    const acquire: TokenStore['acquire'] = (key, generation) => {
      known.push(generation);
      return base.acquire(key, generation);
    };
    let first = true;
    const store = storeWith(
      {
        acquire: async (...[key, generation]: unknown[]) => {
          if (first) {
            first = false;
            return ending;
          }
          return acquire(String(key), typeof generation === 'string' ? generation : undefined);
        },
      },
      base,
    );
    const { sandbox, moov, events } = await startMoov({ store });
    await moov.ready();
    await moov.renew();
    // The caller passes its generation, so that the store does not return the same token again.
    expect(known).toEqual(['old', expect.stringMatching(/^\d+$/)]);
    const taker = moovAuth(allScopes(sandbox), { ...sandbox.options, store: base });
    onTestFinished(() => taker.close());
    expect(await taker.accessToken()).toBe(await moov.accessToken());
    expect(sandbox.stats.tokenRequests).toBe(2);
    expect(events.filter(({ type }) => type === 'store.unreadable')).toEqual([]);
  });

  it('that cannot read its content, which is reported once for each token obtained', async () => {
    const base = memoryTokenStore();
    let held = 2;
    const acquire = async (...[key, generation]: unknown[]) => {
      if (held-- > 0) return { state: 'held', leftMs: 20, unreadable: true };
      const known = typeof generation === 'string' ? generation : undefined;
      return { ...(await base.acquire(String(key), known)), unreadable: true };
    };
    const { moov, count } = await startMoov({ store: storeWith({ acquire }, base) });
    await moov.ready();
    expect(count('store.unreadable')).toBe(1);
    expect(count('token.obtained')).toBe(1);
  });

  it('that always answers "held, for 0 ms": it is polled for two lock lifetimes', async () => {
    let asked = 0;
    const acquire = async () => {
      asked++;
      return { state: 'held', leftMs: 0 };
    };
    const store = storeWith({ acquire }, memoryTokenStore({ lockTtlMs: 1_001 }));
    const { moov } = await startMoov({ store, tokenTimeoutMs: 1_000 });
    const began = performance.now();
    expect((await moov.client.get('/ping')).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(asked).toBeLessThanOrEqual(203);
  });

  it('whose key depends on a function that hangs once: this call and later ones continue', {
    timeout: 30_000,
  }, async () => {
    let hang = false;
    const { moov, sandbox } = await startMoov({ store: memoryTokenStore(), timeoutMs: 20_000 });
    const clientId = () =>
      hang ? new Promise<string>(() => undefined) : Promise.resolve(sandbox.credentials.clientId);
    const slow = moovAuth('/ping.read', { ...sandbox.options, clientId, store: memoryTokenStore() });
    onTestFinished(() => slow.close());
    await slow.ready();
    hang = true;
    const renewal = slow.renew();
    // It is read again for the request to Moov, once the time for the name in the store is over.
    setTimeout(() => {
      hang = false;
    }, 1_000);
    await renewal;
    await slow.renew();
    await slow.revoke();
    await moov.ready();
  });

  it('that takes 200 ms for everything', async () => {
    const base = memoryTokenStore();
    const slow = <T>(result: Promise<T>): Promise<T> =>
      new Promise((resolve) => setTimeout(() => resolve(result), 200));
    const store: TokenStore = {
      ...base,
      acquire: (...args) => slow(base.acquire(...args)),
      put: (...args) => slow(base.put(...args)),
      revoke: (...args) => slow(base.revoke(...args)),
    };
    const { moov, sandbox, count } = await startMoov({ store });
    const replies = await Promise.all(Array.from({ length: 20 }, () => moov.client.get('/ping')));
    expect(replies.every(({ status }) => status === 200)).toBe(true);
    await moov.revoke();
    expect((await moov.client.get('/ping')).status).toBe(200);
    expect(sandbox.stats.tokenRequests).toBe(2);
    expect(count('store.unavailable')).toBe(0);
  });
});

it.each([
  [
    'acquire',
    { state: 'held', leftMs: '5' },
    ' at "leftMs": Invalid input: expected number, received string',
  ],
  ['acquire', { state: 'locked', lock: { ...lock, id: 5 } }, ' at "lock.id": Invalid input: expected string'],
  [
    'acquire',
    { state: 'token', token: { ...token, accessToken: 'must not show' }, generation: '1', leftMs: 60_000 },
    ' at "token.accessToken": Invalid string',
  ],
  ['put', 5, ': Invalid input'],
] as const)(
  'a wrong answer to %s is reported with its field, and never its value',
  async (name, value, text) => {
    fastClock();
    const { moov, events } = await startMoov({ store: storeWith({ [name]: async () => value }) });
    await moov.ready();
    const message = events.find((event) => event.type === 'store.unavailable')?.message;
    expect(message).toContain(`The store's answer to ${name} does not match TokenStore${text}`);
    expect(message).not.toContain('must not show');
  },
);

it('a store that failed is tried again after a second, and used again when it is back', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const base = memoryTokenStore();
  let broken = true;
  const acquire = (...[key, known]: unknown[]) =>
    broken ? throws() : base.acquire(String(key), typeof known === 'string' ? known : undefined);
  const { moov, count } = await startMoov({ store: storeWith({ acquire }, base) });
  await moov.ready();
  broken = false;
  await moov.renew();
  expect(count('store.available')).toBe(0);
  vi.advanceTimersByTime(1_101);
  await moov.renew();
  expect([count('store.unavailable'), count('store.available')]).toEqual([1, 1]);
});

it('a lock that a store grants too late is released', async () => {
  fastClock();
  const base = memoryTokenStore();
  let give: () => void = () => undefined;
  const late = new Promise<void>((resolve) => {
    give = resolve;
  });
  const acquire = async (...[key]: unknown[]) => {
    await late;
    return base.acquire(String(key), undefined);
  };
  const released: unknown[] = [];
  const release = async (lock: unknown) => void released.push(lock);
  const { moov, count } = await startMoov({ store: storeWith({ acquire, release }, base) });
  await moov.ready();
  expect(count('store.unavailable')).toBe(1);
  give();
  await until(() => released.length === 1, 'the lock is given back');
  expect(released).toEqual([expect.objectContaining({ id: expect.any(String) })]);
});

it('a lock is released as failed if Moov issued no token, and not as failed on close()', async () => {
  fastClock();
  const base = memoryTokenStore();
  const failed: unknown[] = [];
  const release: TokenStore['release'] = (lock, because) => {
    failed.push(because);
    return base.release(lock, because);
  };
  const { moov, sandbox } = await startMoov({ store: { ...base, release } });
  sandbox.fail({ path: '/oauth2/token', status: 400, body: { error: 'x' } });
  await expect(moov.renew()).rejects.toThrow();
  expect(failed).toEqual([true]);
  const before = sandbox.stats.tokenRequests;
  sandbox.fail({ path: '/oauth2/token', delayMs: 60_000 });
  const call = moov.renew().catch(() => undefined);
  await until(() => sandbox.stats.tokenRequests > before, 'a token is asked for');
  await moov.close();
  await call;
  expect(failed).toEqual([true, false]);
});

it('a token that could not be put has no generation in the store', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const base = memoryTokenStore({ lockTtlMs: 60_000 });
  const known: unknown[] = [];
  const acquire: TokenStore['acquire'] = async (key, generation) => {
    known.push(generation);
    return { state: 'locked', lock: { ...lock, key } };
  };
  const put = () => Promise.reject(new Error('OOM'));
  const { moov } = await startMoov({ store: { ...base, acquire, put } });
  await moov.ready();
  vi.advanceTimersByTime(1_101);
  await moov.renew();
  expect(known).toEqual([undefined, undefined]);
});

it('an available store is asked for several tokens at once', async () => {
  const base = memoryTokenStore();
  let put = 0;
  const counted: TokenStore['put'] = (...args) => {
    put++;
    return base.put(...args);
  };
  const sandbox = await startSandbox();
  const store = { ...base, put: counted };
  const moov = moovAuth('/accounts/{accountID}/wallets.read', { ...sandbox.options, store });
  onTestFinished(() => moov.close());
  const accounts = Array.from({ length: 5 }, () => randomUUID());
  await Promise.all(accounts.map((accountID) => moov.accessToken({ accountID })));
  expect(put).toBe(5);
});

describe('a store with late notifications', () => {
  it('of a revocation, after a successor was stored: causes no token request', async () => {
    const sandbox = await startSandbox();
    const base = memoryTokenStore();
    const late: TokenStoreChange[] = [];
    let listeners: ((change: TokenStoreChange) => void)[] = [];
    const store: TokenStore = {
      ...base,
      watch: (listener) => {
        listeners.push(listener);
        return base.watch((change) =>
          change.kind === 'revoked' ? void late.push(change) : listener(change),
        );
      },
    };
    const [one, other] = [0, 1].map(() => moovAuth('/ping.read', { ...sandbox.options, store }));
    if (one === undefined || other === undefined) throw new Error('two were made');
    onTestFinished(async () => {
      listeners = [];
      await Promise.all([one.close(), other.close()]);
    });
    await Promise.all([one.ready(), other.ready()]);
    await one.revoke();
    const successor = await one.accessToken();
    await other.renew();
    for (const change of late) for (const listener of listeners) listener(change);
    expect([await one.accessToken(), await other.accessToken()]).toEqual([successor, successor]);
    expect(sandbox.stats.tokenRequests).toBe(2);
  });
});

it('two MoovAuths with one memory store share a token', async () => {
  const sandbox = await startSandbox();
  const store = memoryTokenStore();
  const moovs = [0, 1, 2].map(() => moovAuth('/ping.read', { ...sandbox.options, store }));
  onTestFinished(async () => void (await Promise.all(moovs.map((moov) => moov.close()))));
  await Promise.all(moovs.map((moov) => moov.client.get('/ping')));
  await Promise.all(moovs.map((moov) => moov.renew()));
  expect(sandbox.stats.tokenRequests).toBe(2);
  const tokens = await Promise.all(moovs.map((moov) => moov.accessToken()));
  expect(new Set(tokens).size).toBe(1);
  await moovs[0]?.revoke();
  expect(moovs.map((moov) => moov.status().tokens)).toEqual([0, 0, 0]);
});

describe('without the client’s ID there is no name in a store, and', () => {
  beforeEach(() => fastClock());

  const locked = async () => {
    const { options } = await startSandbox();
    const clientId = () => Promise.reject(new Error('the vault is sealed'));
    const asked: string[] = [];
    const store = storeWith({ acquire: () => asked.push('acquire'), revoke: () => asked.push('revoke') });
    const moov = moovAuth('/ping.read', { ...options, clientId, store, tokenTimeoutMs: 1_000 });
    onTestFinished(() => moov.close());
    return { moov, asked };
  };

  it('ready() rejects with the reason', async () => {
    const { moov, asked } = await locked();
    await expect(moov.ready()).rejects.toThrow('clientId');
    expect(asked).toEqual([]);
  });

  it('revoke() rejects, as the store may have a token of these scopes', async () => {
    const { moov, asked } = await locked();
    await expect(moov.ready()).rejects.toThrow();
    expect(await failure(moov.revoke())).toMatchObject({ code: 'ERR_MOOV_KEY_UNREADABLE', status: 503 });
    expect(moov.status().pendingRevocations).toBe(1);
    expect(asked).toEqual([]);
  });
});
