import { randomUUID } from 'node:crypto';
import express, { type RequestHandler } from 'express';
import supertest from 'supertest';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import {
  type MoovAuthEvent,
  MoovConfigError,
  type MoovScope,
  MoovScopeError,
  moovAuth,
} from '../src/index.js';
import type { MoovSandbox } from '../src/sandbox/index.js';
import { fastClock } from './helpers/fast-clock.js';
import { full } from './helpers/full.js';
import { failure, startSandbox, until } from './helpers/moov.js';

const wallets = '/accounts/{accountID}/wallets.read';

async function start(scopes: MoovScope | MoovScope[] = wallets, options: object = {}, given?: MoovSandbox) {
  const sandbox = given ?? (await startSandbox());
  const events: MoovAuthEvent[] = [];
  const moov = moovAuth(scopes, { ...sandbox.options, onEvent: (event) => events.push(event), ...options });
  onTestFinished(() => moov.close());
  return { sandbox, moov, events };
}

async function createAccount(sandbox: MoovSandbox): Promise<string> {
  const moov = moovAuth('/accounts.write', sandbox.options);
  const profile = { individual: { name: { firstName: 'Ada', lastName: 'Lovelace' } } };
  const { data } = await moov.client.post('/accounts', { accountType: 'individual', profile });
  await moov.close();
  return data.accountID;
}

const answerStatus: RequestHandler = async (req, res, next) => {
  try {
    res.sendStatus((await req.moov.get(`/accounts/${req.params.accountID}/wallets`)).status);
  } catch (error) {
    next(error);
  }
};

describe('{accountID} in scopes', () => {
  it('is filled from the route, where the middleware is mounted', async () => {
    const { sandbox, moov } = await start();
    const accountID = await createAccount(sandbox);
    const before = sandbox.stats.tokenRequests;
    const app = express();
    app.get('/of/:accountID/wallets', moov, answerStatus);
    expect((await supertest(app).get(`/of/${accountID}/wallets`)).status).toBe(200);
    expect((await supertest(app).get(`/of/${accountID}/wallets`)).status).toBe(200);
    expect(sandbox.stats.tokenRequests - before).toBe(1);
  });

  it('is filled by the option, a function of the request', async () => {
    const sandbox = await startSandbox();
    const accountID = await createAccount(sandbox);
    const { moov } = await start(
      wallets,
      { accountID: (req: express.Request) => req.get('x-account') },
      sandbox,
    );
    const app = express().use(moov);
    app.get('/wallets', async (req, res) => {
      res.sendStatus((await req.moov.get(`/accounts/${accountID}/wallets`)).status);
    });
    expect((await supertest(app).get('/wallets').set('x-account', accountID)).status).toBe(200);
    // What the application's function leaves open is not taken from elsewhere.
    app.get('/of/:accountID/wallets', moov, answerStatus);
    expect((await supertest(app).get(`/of/${accountID}/wallets`)).status).toBe(400);
  });

  it('is filled by the option, one account for all: then there is a token from the start', async () => {
    const sandbox = await startSandbox();
    const accountID = await createAccount(sandbox);
    const { moov } = await start(wallets, { accountID }, sandbox);
    await moov.ready();
    expect(moov.status()).toMatchObject({ state: 'ready', tokens: 1 });
    expect((await moov.client.get(`/accounts/${accountID}/wallets`)).status).toBe(200);
  });

  it('of one account for all gives way to the account of a target, which is checked all the same', async () => {
    const [own, other] = [randomUUID(), randomUUID()];
    const { moov } = await start(wallets, { accountID: own });
    const scopeOf = async (accountID?: string) => {
      const token = await moov.accessToken({ accountID });
      return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).scp;
    };
    expect(await scopeOf()).toEqual([`/accounts/${own}/wallets.read`]);
    expect(await scopeOf(other)).toEqual([`/accounts/${other}/wallets.read`]);
    expect(moov.clientFor({ accountID: own })).toBe(moov.client);
    expect(() => moov.clientFor({ scopes: '/ping.read', accountID: 'x /accounts.write' })).toThrow(
      MoovScopeError,
    );
  });

  it('from an asynchronous function is refused, and its rejection does not crash the process', async () => {
    const { sandbox, moov } = await start(wallets, {
      accountID: async () => {
        throw new Error('mine');
      },
    });
    const app = express().use(moov);
    app.get('/', async (req, res) => {
      res.json((await failure(req.moov.get('/ping'))).message);
    });
    expect((await supertest(app).get('/')).body).toBe(
      'The function of the option accountID must not be asynchronous.',
    );
    expect(sandbox.stats.tokenRequests).toBe(0);
  });

  it('from a function that throws is refused, without its message', async () => {
    const { sandbox, moov } = await start(wallets, {
      accountID: () => {
        throw new Error('mine');
      },
    });
    const app = express().use(moov);
    app.get('/', async (req, res) => {
      const { name, message, status } = await failure(req.moov.get('/ping'));
      res.json({ name, message, status });
    });
    expect((await supertest(app).get('/')).body).toEqual({
      name: 'MoovScopeError',
      message: 'The function of the option accountID failed.',
      status: 400,
    });
    expect(sandbox.stats.tokenRequests).toBe(0);
  });

  it('costs no token at start-up when no account is fixed; ready() resolves', async () => {
    const { sandbox, moov } = await start();
    await moov.ready();
    expect(moov.status()).toEqual({ state: 'ready', tokens: 0, pendingRevocations: 0 });
    expect(sandbox.stats.tokenRequests).toBe(0);
  });

  it('missing, fails the calls and not the middleware, and says how to supply it', async () => {
    const { sandbox, moov } = await start();
    const app = express().use(moov);
    app.get('/plain', (_req, res) => {
      res.json('fine');
    });
    app.get('/wallets', async (req, res) => {
      const error = await failure(req.moov.get('/accounts/x/wallets'));
      res.json({ name: error.name, status: error.status, message: error.message, moov: error.moov });
    });
    expect((await supertest(app).get('/plain')).body).toBe('fine');
    const { body } = await supertest(app).get('/wallets');
    expect(body).toMatchObject({
      name: 'MoovScopeError',
      status: 400,
      moov: { attempts: 0, ambiguous: false },
    });
    expect(body.message).toMatch(/\/accounts\/\{accountID\}\/wallets\.read.*accountID.*clientFor/);
    expect(await failure(moov.client.get('/ping'))).toBeInstanceOf(MoovScopeError);
    expect(sandbox.stats.tokenRequests).toBe(0);
  });

  it('works in scoped(), clientFor(), accessToken() and renew()', async () => {
    const { sandbox, moov } = await start('/ping.read');
    const accountID = await createAccount(sandbox);
    const app = express();
    app.get('/of/:accountID/wallets', moov, moov.scoped(wallets), answerStatus);
    expect((await supertest(app).get(`/of/${accountID}/wallets`)).status).toBe(200);
    const before = sandbox.stats.tokenRequests;
    const target = { scopes: [wallets], accountID };
    expect((await moov.clientFor(target).get(`/accounts/${accountID}/wallets`)).status).toBe(200);
    const token = await moov.accessToken(target);
    expect(sandbox.stats.tokenRequests).toBe(before);
    await moov.renew(target);
    expect(await moov.accessToken(target)).not.toBe(token);
    expect(sandbox.stats.tokenRequests).toBe(before + 1);
  });
});

describe('{platformAccountID} in scopes', () => {
  it('is filled from its option', async () => {
    const sandbox = await startSandbox();
    const { platformAccountID } = sandbox;
    const { moov } = await start(
      '/accounts/{platformAccountID}/transfers.read',
      { platformAccountID },
      sandbox,
    );
    expect((await moov.client.get(`/accounts/${platformAccountID}/transfers`)).status).toBe(200);
  });

  it('without it is refused at the call, as is a placeholder there is not', async () => {
    const sandbox = await startSandbox();
    const call = (scope: string) => () => moovAuth(scope, sandbox.options);
    expect(call('/accounts/{platformAccountID}/transfers.read')).toThrow(/MOOV_ACCOUNT_ID/);
    expect(call('/accounts/{account}/wallets.read')).toThrow(MoovConfigError);
    const { moov } = await start('/ping.read', {}, sandbox);
    expect(() => moov.scoped('/accounts/{id}/x.read')).toThrow(MoovConfigError);
    expect(() => moov.clientFor({ scopes: [] })).toThrow(MoovConfigError);
  });
});

describe('an account ID cannot widen a scope', () => {
  const hostile: [string, unknown][] = [
    ['a second scope', 'x /accounts.write'],
    ['dot segments', '../'],
    ['the empty string', ''],
    ['an array', [randomUUID()]],
    ['an object', { toString: () => randomUUID() }],
    ['10 KB', 'a'.repeat(10_240)],
    ['a UUID with a tail', `${randomUUID()} /accounts.write`],
    ['a UUID with a line break', `${randomUUID()}\n`],
    ['a placeholder', '{platformAccountID}'],
    ['a promise', Promise.resolve(randomUUID())],
  ];

  it.each(hostile)('%s is refused before any token request', async (_what, value) => {
    const { sandbox, moov } = await start(wallets, { accountID: () => value });
    const app = express().use(moov);
    app.get('/', async (req, res) => {
      const error = await failure(req.moov.get('/ping'));
      res.json({ name: error.name, code: error.code, status: error.status });
    });
    const { body } = await supertest(app).get('/');
    expect(body).toEqual({ name: 'MoovScopeError', code: 'ERR_MOOV_SCOPE', status: 400 });
    const target = Object.assign({ accountID: value });
    expect(() => moov.clientFor(target)).toThrow(MoovScopeError);
    await expect(moov.accessToken(target)).rejects.toBeInstanceOf(MoovScopeError);
    expect(sandbox.stats.tokenRequests).toBe(0);
  });
});

describe('the pool', () => {
  it('gives equal sets of scopes one token, whatever their order, and one Axios instance', async () => {
    const { sandbox, moov } = await start('/ping.read');
    await moov.ready();
    const one = moov.clientFor({ scopes: ['/accounts.read', '/fed.read'] });
    const other = moov.clientFor({ scopes: ' /fed.read /accounts.read /fed.read' });
    expect(one).toBe(other);
    expect(moov.clientFor({ scopes: '/ping.read' })).toBe(moov.client);
    expect(sandbox.stats.tokenRequests).toBe(1);
    await Promise.all([one.get('/accounts'), other.get('/accounts')]);
    expect(sandbox.stats.tokenRequests).toBe(2);
  });

  it('never mixes tokens up, of two MoovAuths or of scopes asked for at the same moment', async () => {
    const sandbox = await startSandbox();
    const accounts = Array.from({ length: 20 }, () => randomUUID());
    const { moov: one } = await start(wallets, {}, sandbox);
    const { moov: other } = await start('/accounts/{accountID}/cards.read', {}, sandbox);
    const asked = Array.from({ length: 400 }, (_, index) => ({
      moov: index % 2 === 0 ? one : other,
      kind: index % 2 === 0 ? 'wallets' : 'cards',
      accountID: accounts[Math.floor(Math.random() * accounts.length)] ?? '',
    }));
    await Promise.all(
      asked.map(async ({ moov, kind, accountID }) => {
        const token = await moov.accessToken({ accountID });
        const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
        expect(claims.scp).toEqual([`/accounts/${accountID}/${kind}.read`]);
      }),
    );
    expect(sandbox.stats.tokenRequests).toBeLessThanOrEqual(40);
  });

  it('evicts the least recently used token, never that of start-up; a call in flight still finishes', async () => {
    fastClock();
    const configured: unknown[] = [];
    const { sandbox, moov } = await start('/ping.read', {
      maxTokens: 2,
      configure: (instance: unknown) => configured.push(instance),
    });
    await moov.ready();
    const fed = () => moov.clientFor({ scopes: '/fed.read' });
    const first = fed();
    sandbox.fail({ path: '/ping', delayMs: 1_500 });
    const inFlight = failure(first.get('/ping'));
    await until(() => sandbox.stats.apiRequests === 1, 'the call is in flight');
    moov.clientFor({ scopes: '/accounts.read' });
    moov.clientFor({ scopes: '/accounts.write' });
    expect(fed()).not.toBe(first);
    expect(await inFlight).toMatchObject({ response: { status: 403 } });
    expect(moov.clientFor()).toBe(moov.client);
    expect(configured).toHaveLength(5);
    expect(new Set(configured).size).toBe(5);
  });

  it('hears of revoke() and close() also through an instance whose token was evicted', async () => {
    const { sandbox, moov } = await start('/ping.read', { maxTokens: 1 });
    const fed = moov.clientFor({ scopes: ['/ping.read', '/fed.read'] });
    expect((await fed.get('/ping')).status).toBe(200);
    await moov.accessToken({ scopes: '/accounts.read' });
    await moov.revoke();
    const before = sandbox.stats.tokenRequests;
    expect((await fed.get('/ping')).status).toBe(200);
    expect(sandbox.stats.tokenRequests).toBe(before + 1);
    await moov.accessToken({ scopes: '/accounts.read' });
    await moov.close();
    expect(await failure(fed.get('/ping'))).toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    expect(sandbox.stats.tokenRequests).toBe(before + 2);
  });

  it('keeps a failing account from slowing another', async () => {
    fastClock();
    const { sandbox, moov } = await start(wallets, { tokenTimeoutMs: 3_000 });
    const [bad, good] = [randomUUID(), randomUUID()];
    sandbox.fail({ path: '/oauth2/token', status: 500, times: 3 });
    const failing = failure(moov.accessToken({ accountID: bad }));
    await until(() => sandbox.stats.tokenRequests === 3, 'the bad account has failed three times');
    expect(await moov.accessToken({ accountID: good })).not.toBe('');
    expect(await failing).toMatchObject({ code: 'ERR_MOOV_SERVER_ERROR' });
    // At once: whoever waited for the next outcome would get a token by now.
    expect(await failure(moov.accessToken({ accountID: bad }))).toMatchObject({ status: 503 });
  });

  it('does not renew idle tokens by timers, and renews an ended one when it is used', async () => {
    fastClock();
    const sandbox = await startSandbox({ tokenLifeSeconds: 2, expiresIn: 'seconds' });
    const { moov } = await start(wallets, {}, sandbox);
    const accountID = randomUUID();
    const token = await moov.accessToken({ accountID });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(sandbox.stats.tokenRequests).toBe(1);
    expect(await moov.accessToken({ accountID })).not.toBe(token);
    expect(sandbox.stats.tokenRequests).toBe(2);
  });

  it('renews the start-up token by a timer, also without calls', async () => {
    fastClock();
    const sandbox = await startSandbox({ tokenLifeSeconds: 2, expiresIn: 'seconds' });
    const { moov } = await start('/ping.read', {}, sandbox);
    await moov.ready();
    await until(() => sandbox.stats.tokensMinted === 2, 'it has been renewed');
  });

  it('has at most ten token requests in flight', async () => {
    fastClock();
    const { sandbox, moov } = await start();
    sandbox.fail({ path: '/oauth2/token', delayMs: 300, times: Number.POSITIVE_INFINITY });
    const all = Promise.all(Array.from({ length: 35 }, () => moov.accessToken({ accountID: randomUUID() })));
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, sandbox.stats.tokenRequests - sandbox.stats.tokensMinted);
    }, 5);
    await all;
    clearInterval(look);
    expect(most).toBe(10);
    expect(sandbox.stats.tokensMinted).toBe(35);
  });

  it('is held back as a whole by a 429 of the token endpoint', async () => {
    fastClock();
    const { sandbox, moov } = await start();
    sandbox.fail({ path: '/oauth2/token', status: 429, headers: { 'retry-after': '4' } });
    const first = moov.accessToken({ accountID: randomUUID() });
    await until(() => sandbox.stats.rateLimited === 1, 'the first was told to wait');
    // Until that has arrived; in many turns, as a process that stood still comes to its timers before its sockets.
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 15));
    const other = moov.accessToken({ accountID: randomUUID() });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(sandbox.stats.tokenRequests).toBe(1);
    await Promise.all([first, other]);
    expect(sandbox.stats.tokenRequests).toBe(3);
  });

  it('answers at once when a 429 holds it back for longer than a token may take', async () => {
    const { sandbox, moov } = await start();
    sandbox.fail({ path: '/oauth2/token', status: 429, headers: { 'retry-after': '86400' } });
    await failure(moov.accessToken({ accountID: randomUUID() }));
    const began = performance.now();
    const error = await failure(moov.clientFor({ accountID: randomUUID() }).get('/ping'));
    expect(error).toMatchObject({ code: 'ERR_MOOV_RATE_LIMITED', status: 503 });
    expect(Number(Object(error.headers)['Retry-After'])).toBeLessThanOrEqual(330);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(sandbox.stats.tokenRequests).toBe(1);
  });

  it('is revoked as a whole by revoke()', async () => {
    const { sandbox, moov } = await start();
    await Promise.all(Array.from({ length: 30 }, () => moov.accessToken({ accountID: randomUUID() })));
    expect(moov.status().tokens).toBe(30);
    await moov.revoke();
    expect(moov.status()).toMatchObject({ tokens: 0, pendingRevocations: 0 });
    expect(sandbox.stats.tokensRevoked).toBe(60);
  });
});

it('emits token.narrowed once when Moov grants fewer scopes than requested', async () => {
  const { sandbox, moov, events } = await start('/ping.read');
  await moov.ready();
  const body = { access_token: 'narrow', token_type: 'Bearer', expires_in: 900, scope: '/fed.read' };
  sandbox.fail({ path: '/oauth2/token', status: 200, body, times: 2 });
  const target = { scopes: ['/fed.read', '/accounts.read'] };
  await moov.accessToken(target);
  await moov.renew(target);
  const told = events.filter((event) => event.type === 'token.narrowed');
  expect(told).toEqual([
    {
      type: 'token.narrowed',
      scopes: ['/accounts.read', '/fed.read'],
      accounts: [],
      missing: ['/accounts.read'],
    },
  ]);
});

const many = full ? 10_000 : 200;

it(`serves ${many} accounts, each called twice at random, with one token request each`, {
  timeout: 120_000,
}, async () => {
  const { sandbox, moov } = await start();
  const accounts = Array.from({ length: many }, () => randomUUID());
  const calls = [...accounts, ...accounts].map((accountID) => ({ accountID, order: Math.random() }));
  calls.sort((one, other) => one.order - other.order);
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      for (let call = calls.pop(); call !== undefined; call = calls.pop()) {
        expect(await moov.accessToken({ accountID: call.accountID })).not.toBe('');
      }
    }),
  );
  expect(sandbox.stats.tokenRequests).toBe(many);
  expect(moov.status().tokens).toBe(many);
});

it('MoovScope completes known scopes, with placeholders and filled in, and takes any other string', () => {
  expectTypeOf<'/accounts/{accountID}/bank-accounts.write'>().toExtend<MoovScope>();
  expectTypeOf<'/accounts/{platformAccountID}/transfers.write'>().toExtend<MoovScope>();
  expectTypeOf<'/accounts/b1d2c3a4-0000-4000-8000-000000000001/wallets.read'>().toExtend<MoovScope>();
  expectTypeOf<string>().toExtend<MoovScope>();
  // If MoovScope were plain string, an editor would have nothing to complete.
  expectTypeOf<MoovScope>().not.toEqualTypeOf<string>();
});

it('with more concurrent accounts than cached tokens, each gets one token, and none is revoked', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: '/oauth2/token', delayMs: 30, times: Number.POSITIVE_INFINITY });
  const moov = moovAuth('/accounts/{accountID}/wallets.read', { ...sandbox.options, maxTokens: 5 });
  onTestFinished(() => moov.close());
  const accounts = Array.from(
    { length: 40 },
    (_, number) => `b1d2c3a4-0000-4000-8000-${String(number).padStart(12, '0')}`,
  );
  const tokens = await Promise.all(accounts.map((accountID) => moov.accessToken({ accountID })));
  expect(new Set(tokens).size).toBe(40);
  expect(sandbox.stats).toMatchObject({ tokenRequests: 40, revokeRequests: 0 });
});
