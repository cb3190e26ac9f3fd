import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import {
  idempotencyKey,
  MoovConfigError,
  MoovOAuthClient,
  MoovScopeError,
  moovAuth,
  moovErrorHandler,
  moovPath,
  moovWebhook,
} from '../src/index.js';
import { redisTokenStore } from '../src/redis/index.js';
import { createMoovSandbox } from '../src/sandbox/index.js';
import { moovSdk } from '../src/sdk/index.js';
import { failure, startMoov } from './helpers/moov.js';

// What a compiler would refuse, and plain JavaScript does not.

/** Calls with what its types do not allow. */
function misused(run: (wrong: (value: unknown) => never) => unknown): unknown {
  try {
    return run((value) => value as never);
  } catch (error) {
    return error;
  }
}

describe('a misspelt name', () => {
  it('is refused in one form wherever there are options or fields, with the one that was meant', async () => {
    const { moov, sandbox } = await startMoov();
    const wrong = (value: object) => value as never;
    const redis = { isOpen: true, sendCommand: () => {}, duplicate: () => {} };
    const client = new MoovOAuthClient(sandbox.options);
    const guard: express.RequestHandler = (_req, _res, next) => next();
    const refused: [string, () => unknown][] = [
      ['moovAuth: unknown option "Retries"', () => moovAuth('/ping.read', wrong({ Retries: 1 }))],
      ['MoovOAuthClient: unknown option "timeout"', () => new MoovOAuthClient(wrong({ timeout: 1 }))],
      [
        'createAccessToken: unknown field "scopes"',
        () => client.createAccessToken(wrong({ grantType: 'client_credentials', scopes: '/ping.read' })),
      ],
      ['revokeAccessToken: unknown field "Token"', () => client.revokeAccessToken(wrong({ Token: 'a' }))],
      [
        'revokeAccessToken: unknown option "header"',
        () => client.revokeAccessToken({ token: 'a' }, wrong({ header: {} })),
      ],
      [
        'redisTokenStore: unknown option "prefixes"',
        () => redisTokenStore(wrong({ client: redis, prefixes: 'a' })),
      ],
      ['moovSdk: unknown option "accountId"', () => moovSdk(moov, wrong({ accountId: 'a' }))],
      [
        'moovErrorHandler: unknown option "exposeupstream"',
        () => moovErrorHandler(wrong({ exposeupstream: true })),
      ],
      ['moovWebhook: unknown option "secrets"', () => moovWebhook(wrong({ secrets: 'a' }))],
      ['revokeRouter: unknown option "guards"', () => moov.revokeRouter(wrong({ guards: guard }))],
      [
        'browserTokenRouter: unknown option "scope"',
        () => moov.browserTokenRouter(wrong({ guard, scopes: '/ping.read', scope: '/ping.read' })),
      ],
      ['close: unknown option "revoked"', () => moov.close(wrong({ revoked: true }))],
      ['target: unknown field "accountId"', () => moov.clientFor(wrong({ accountId: 'a' }))],
      ['createMoovSandbox: unknown option "clientID"', () => createMoovSandbox(wrong({ clientID: 'a' }))],
      ['fail: unknown field "time"', () => sandbox.fail(wrong({ path: '/ping', status: 503, time: 2 }))],
    ];
    for (const [message, call] of refused) {
      const error = await failure(Promise.resolve().then(call));
      expect(error.message).toMatch(
        /^\w+: unknown \w+ "\w+"\. Did you mean "\w+"\? (The \w+ is|\w+s are) [\w, ]+\.$/,
      );
      expect(error.message).toContain(`${message}. Did you mean "`);
      expect(error.name).toBe(/sandbox|fail/i.test(message) ? 'TypeError' : 'MoovConfigError');
    }
  });
});

describe('a target', () => {
  it.each([
    [
      { accountId: 'b1d2c3a4-0000-4000-8000-000000000001' },
      /target: unknown field "accountId"\. Did you mean "accountID"\? Fields are scopes/,
    ],
    [{ scope: '/ping.read' }, /unknown field "scope"\. Did you mean "scopes"\? /],
    [{ tenant: 'a' }, /unknown field "tenant"\. Fields are scopes, accountID/],
    ['b1d2c3a4-0000-4000-8000-000000000001', /target: expected an object of fields; got a string/],
    [['/ping.read'], /got a list/],
    [null, /got null/],
  ])('%j is refused before the wrong account can act', async (target, message) => {
    const { moov, sandbox } = await startMoov({ accountID: 'b1d2c3a4-0000-4000-8000-000000000001' });
    await moov.ready();
    const wrong = target as never;
    for (const refused of [misused(() => moov.clientFor(wrong)), misused(() => moov.fetchFor(wrong))]) {
      expect(refused).toBeInstanceOf(MoovConfigError);
      expect(String(refused)).toMatch(message);
    }
    expect(await failure(moov.accessToken(wrong))).toBeInstanceOf(MoovConfigError);
    expect(await failure(moov.renew(wrong))).toBeInstanceOf(MoovConfigError);
    expect(sandbox.stats.tokenRequests).toBe(1);
  });

  it('with an invalid account ID names accountID', async () => {
    const { moov } = await startMoov();
    const refused = misused(() => moov.clientFor({ accountID: 'abc' }));
    expect(refused).toBeInstanceOf(MoovScopeError);
    expect(String(refused)).toContain('accountID: expected an account ID, which is a UUID');
  });
});

describe('a call', () => {
  it.each([
    [{ headers: { 'idempotency-key': 'a' } }, 'Moov reads X-Idempotency-Key'],
    [{ timeoutMs: 1 }, 'For one call it is "timeout"'],
    [{ retries: 1 }, "'axios-retry': { retries }"],
    [{ attemptTimeoutMs: 1 }, 'one for all calls'],
    [{ timeout: -1 }, 'timeout: expected milliseconds, 0 or more, 0 being no limit; got -1.'],
    [{ timeout: '5000' }, 'got a string.'],
  ])('with %j is refused by name', async (settings, message) => {
    const { moov, sandbox } = await startMoov();
    const error = await failure(moov.client.post('/ping', {}, settings as never));
    expect(error).toBeInstanceOf(MoovConfigError);
    expect(error.message).toContain(message);
    expect(sandbox.stats.apiRequests).toBe(0);
  });
});

describe('functions that must be called', () => {
  it('says so when it is mounted as it is', async () => {
    const answers = async (middleware: unknown) => {
      const app = express().use(middleware as never);
      app.use(((error, _req, res, _next) =>
        res.status(500).send(String(error))) as express.ErrorRequestHandler);
      return (await supertest(app).get('/')).text;
    };
    expect(await answers(moovAuth)).toContain('Call moovAuth: app.use(moovAuth(scopes))');
    expect(await answers(moovErrorHandler)).toContain('Call it: app.use(moovErrorHandler())');
  });

  it('names the scopes when there are none', () => {
    expect(String(misused((wrong) => moovAuth(wrong(undefined))))).toMatch(/scopes: expected .* got none/);
  });

  it.each([
    [5, /moovErrorHandler: expected an object of options; got 5/],
    [null, /got null/],
    [
      { exposeupstream: true },
      /unknown option "exposeupstream"\. Did you mean "exposeUpstream"\? Options are exposeUpstream, exposeMessage, logger\./,
    ],
    [{ exposeUpstream: 'yes' }, /exposeUpstream: expected true, false or 'validation'; got a string/],
  ])('moovErrorHandler(%j) is refused', (options, message) => {
    expect(String(misused((wrong) => moovErrorHandler(wrong(options))))).toMatch(message);
  });

  it.each([
    [{ revok: true }, /close: unknown option "revok"\. Did you mean "revoke"\? The option is revoke\./],
    [{ revoke: 'yes' }, /revoke: expected true or false; got a string/],
  ])('close(%j) is refused, and closes nothing', async (options, message) => {
    const { moov } = await startMoov();
    expect(String(misused((wrong) => moov.close(wrong(options))))).toMatch(message);
    expect((await moov.client.get('/ping')).status).toBe(200);
  });

  it.each([[undefined], [{}], [null]])('moovSdk(%j) names what it expects', (given) => {
    const refused = misused((wrong) => moovSdk(wrong(given)));
    expect(refused).toBeInstanceOf(MoovConfigError);
    expect(String(refused)).toContain('what moovAuth(scopes) returned');
  });

  it.each([
    [
      { accountId: 'a' },
      /moovSdk: unknown option "accountId"\. Did you mean "accountID"\? Options are scopes,/,
    ],
    [{ retries: 1 }, /moovSdk: unknown option "retries"\. Options are scopes,/],
    [5, /moovSdk: expected an object of options; got 5/],
    [null, /moovSdk: expected an object of options; got null/],
  ])('moovSdk(moov, %j) is refused before the wrong account can act', async (options, message) => {
    const { moov } = await startMoov();
    const refused = misused((wrong) => moovSdk(moov, wrong(options)));
    expect(refused).toBeInstanceOf(MoovConfigError);
    expect(String(refused)).toMatch(message);
  });

  it('moovSdk takes each of the options that it names', async () => {
    const { moov } = await startMoov();
    const debugLogger = { group: () => {}, groupEnd: () => {}, log: () => {} };
    const accountID = 'b1d2c3a4-0000-4000-8000-000000000001';
    expect(() =>
      moovSdk(moov, { scopes: '/ping.read', accountID, timeoutMs: 1_000, userAgent: 'a', debugLogger }),
    ).not.toThrow();
  });

  it('moovPath says that it is a template tag', () => {
    const refused = misused((wrong) => moovPath(wrong('/x')));
    expect(refused).toBeInstanceOf(MoovConfigError);
    expect(String(refused)).toMatch(/moovPath is a template tag: write moovPath`.*; got a string\.$/);
    expect(String(misused((wrong) => moovPath(wrong(undefined))))).toContain('got none');
  });

  it('idempotencyKey names the wrong part, and why', () => {
    expect(String(misused((wrong) => idempotencyKey('o', wrong(undefined))))).toContain(
      'part 2 is undefined',
    );
    expect(String(misused((wrong) => idempotencyKey('o', wrong({}))))).toContain('part 2 is an object');
  });
});
