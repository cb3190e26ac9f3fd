import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import express, { type RequestHandler } from 'express';
import supertest from 'supertest';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type BrowserTokenRouterOptions,
  type MoovAuthEvent,
  type MoovAuthOptions,
  MoovConfigError,
  MoovOAuthClient,
  moovAuth,
} from '../../src/index.js';
import { allow, appOf, expressVersions, listen } from '../helpers/apps.js';
import { serve } from '../helpers/http-server.js';
import { failure, startSandbox, until } from '../helpers/moov.js';
import { startBehindRelay } from './relay.js';

const accountID = 'b1d2c3a4-0000-4000-8000-0000000000aa';
const wallets = '/accounts/{accountID}/wallets.read';
const cards = '/accounts/{accountID}/cards.write';
const filled = (scope: string) => scope.replace('{accountID}', accountID);

async function start(options: Partial<BrowserTokenRouterOptions> = {}, ofAuth: MoovAuthOptions = {}) {
  const sandbox = await startSandbox({ expiresIn: 'seconds', tokenLifeSeconds: 900 });
  const moov = moovAuth('/ping.read', {
    ...sandbox.options,
    accountID: (req) => req.get('x-account'),
    ...ofAuth,
  });
  onTestFinished(() => moov.close());
  await moov.ready();
  const router = moov.browserTokenRouter({ guard: allow, scopes: [wallets, cards], ...options });
  return { sandbox, moov, router };
}

describe.each(expressVersions)('POST /token on $name', ({ express }) => {
  const post = (router: RequestHandler) =>
    supertest(appOf(express, router)).post('/token').set('x-account', accountID);

  test('gives a token with the scopes of the server, and when it ends', async () => {
    const { sandbox, router } = await start();
    const before = Date.now();
    const { status, body, headers } = await post(router);
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['expiresIn', 'expiresOn', 'scopes', 'token']);
    expect(body.scopes).toEqual([filled(cards), filled(wallets)]);
    expect(body.expiresIn).toBeGreaterThan(890);
    expect(body.expiresIn).toBeLessThanOrEqual(900);
    expect(Math.abs(Date.parse(body.expiresOn) - before - 900_000)).toBeLessThan(5_000);
    expect(headers['cache-control']).toBe('no-store');
    const call = await fetch(`${sandbox.url}/accounts/${accountID}/cards`, {
      method: 'POST',
      headers: { authorization: `Bearer ${body.token}`, origin: sandbox.origins[0] ?? '' },
    });
    // Let in by its scope; there is no such account.
    expect(call.status).toBe(404);
  });

  test('gives a new token each time, which the server does not use itself', async () => {
    const { sandbox, moov, router } = await start();
    const [one, other] = [await post(router), await post(router)];
    expect(one.body.token).not.toBe(other.body.token);
    expect([one.body.token, other.body.token]).not.toContain(await moov.accessToken());
    expect(moov.status().tokens).toBe(1);
    expect(sandbox.stats.tokenRequests).toBe(3);
  });

  test('grants fewer scopes on request', async () => {
    const { router } = await start();
    const { body } = await post(router).send({ scopes: [filled(wallets)] });
    expect(body.scopes).toEqual([filled(wallets)]);
    const named = await post(router).send({ scopes: [` ${wallets} `] });
    expect(named.body.scopes).toEqual([filled(wallets)]);
  });

  test('never grants more: 403, naming what was refused', async () => {
    const { sandbox, router } = await start();
    for (const more of ['/accounts.write', `/accounts/${randomUUID()}/wallets.read`]) {
      const { status, body } = await post(router).send({ scopes: [filled(wallets), more] });
      expect(status).toBe(403);
      expect(body).toMatchObject({
        error: 'invalid_scope',
        error_description: expect.stringContaining(more.split(' ').at(-1) ?? ''),
      });
      expect(body.error_description).not.toContain(`: ${filled(wallets)} `);
    }
    expect(sandbox.stats.tokenRequests).toBe(1);
  });

  test.each([
    ['an unknown field', { scope: '/ping.read' }],
    ['no list', { scopes: '/ping.read' }],
    ['an empty list', { scopes: [] }],
    ['a wrong entry', { scopes: [1] }],
    ['a blank entry', { scopes: [' '] }],
    ['two scopes in one', { scopes: [`${filled(wallets)} /accounts.write`] }],
  ])('refuses %s: 400', async (_what, body) => {
    const { sandbox, router } = await start();
    const response = await post(router).send(body);
    expect(response.status).toBe(400);
    expect(response.body.error).toBe('invalid_request');
    expect(sandbox.stats.tokenRequests).toBe(1);
  });

  test('refuses a form, other methods and other sites', async () => {
    const { router } = await start({ allowedOrigins: ['https://shop.example.com'] });
    expect((await post(router).type('form').send('scopes=x')).status).toBe(400);
    const agent = supertest(appOf(express, router));
    expect((await agent.get('/token')).status).toBe(405);
    expect((await post(router).set('sec-fetch-site', 'cross-site')).status).toBe(403);
    expect((await post(router).set('origin', 'https://evil.example.com')).status).toBe(403);
    const listed = await post(router)
      .set('origin', 'https://shop.example.com')
      .set('sec-fetch-site', 'cross-site');
    expect(listed.status).toBe(200);
    expect(listed.headers['access-control-allow-origin']).toBe('https://shop.example.com');
    const preflight = await agent.options('/token').set('origin', 'https://shop.example.com');
    expect(preflight.status).toBe(204);
  });

  test('asks the guard first', async () => {
    const { sandbox, router } = await start({ guard: (_req, res) => void res.sendStatus(401) });
    expect((await post(router)).status).toBe(401);
    expect(sandbox.stats.tokenRequests).toBe(1);
  });

  test('lets a function of the request decide, also an asynchronous one', async () => {
    const { router } = await start({
      scopes: async (req) => (req.get('x-role') === 'admin' ? [wallets, cards] : wallets),
    });
    expect((await post(router)).body.scopes).toEqual([filled(wallets)]);
    expect((await post(router).set('x-role', 'admin')).body.scopes).toHaveLength(2);
  });

  test('passes on what that function throws', async () => {
    const { router } = await start({
      scopes: async () => {
        throw Object.assign(new Error('no'), { status: 418 });
      },
    });
    expect((await post(router)).status).toBe(418);
  });

  test('refuses a missing or invalid account: 400, before any token request', async () => {
    const { sandbox, router } = await start();
    const agent = supertest(appOf(express, router));
    expect((await agent.post('/token')).body).toMatchObject({ error: 'invalid_scope' });
    expect((await agent.post('/token').set('x-account', 'x /accounts.write')).status).toBe(400);
    expect(sandbox.stats.tokenRequests).toBe(1);
  });

  test('answers 503 when Moov is out of reach, and 502 when it refuses', async () => {
    const { sandbox, router } = await start();
    sandbox.fail({ path: '/oauth2/token', status: 429, headers: { 'retry-after': '60' } });
    const limited = await post(router);
    expect([limited.status, limited.headers['retry-after']]).toEqual([503, '60']);
  });

  test('answers 502 when Moov refuses, never 401', async () => {
    const { sandbox, router } = await start();
    sandbox.fail({ path: '/oauth2/token', status: 401 });
    expect((await post(router)).status).toBe(502);
  });
});

test('revoking the token does not affect the server’s own', async () => {
  const { sandbox, moov, router } = await start();
  const app = appOf(express, router, moov.revokeRouter({ guard: allow, held: false }));
  const { body } = await supertest(app).post('/token').set('x-account', accountID);
  expect((await supertest(app).post('/revoke').send({ token: body.token })).status).toBe(200);
  expect(sandbox.stats.tokensRevoked).toBe(1);
  expect((await moov.client.get('/ping')).status).toBe(200);
  expect(sandbox.stats.unauthorized).toBe(0);
});

test('events say who was given which token, and which was revoked', async () => {
  const events: MoovAuthEvent[] = [];
  const { sandbox, moov, router } = await start({}, { onEvent: (event) => events.push(event) });
  const app = appOf(express, router, moov.revokeRouter({ guard: allow, held: false }));
  const { body } = await supertest(app).post('/token').set('x-account', accountID);
  const other = await new MoovOAuthClient(sandbox.options).createAccessToken({
    grantType: 'client_credentials',
    scope: '/ping.read',
  });
  for (const token of [body.token, other.accessToken]) await supertest(app).post('/revoke').send({ token });
  const told = { scopes: body.scopes, accounts: [accountID], expiresAt: expect.any(Date) };
  expect(events.filter(({ type }) => type.startsWith('browserToken.'))).toEqual([
    { type: 'browserToken.issued', ...told },
    { type: 'browserToken.revoked', ...told },
    // Of a token that another process has issued no more is known.
    { type: 'browserToken.revoked' },
  ]);
  expect(Math.abs(Number(new Date(body.expiresOn)) - Number(Object(events.at(-2)).expiresAt))).toBeLessThan(
    5,
  );
  expect(JSON.stringify(events)).not.toContain(body.token);
});

test('refuses missing scopes, a missing guard and unknown options at the call', async () => {
  const { moov } = await start();
  const make = (options: object) => () =>
    moov.browserTokenRouter(Object.assign({ guard: allow, scopes: wallets }, options));
  expect(make({ scopes: undefined })).toThrow(
    'scopes: expected a scope, a list of scopes, or a function of the request that returns them; got none.',
  );
  expect(make({ scopes: [] })).toThrow(MoovConfigError);
  for (const scopes of [[], 5, [''], ['ping.read'], ['/accounts/{id}/wallets.read'], {}]) {
    expect(make({ scopes })).toThrow(/^browserTokenRouter: scopes/);
    expect(make({ scopes })).not.toThrow(/moovAuth/);
  }
  expect(make({ Scopes: [] })).toThrow(/unknown option "Scopes"\. Did you mean "scopes"\? Options are/);
  expect(make({ guard: undefined })).toThrow(/^guard: expected/);
  expect(make({ scope: wallets })).toThrow(/unknown option "scope"/);
  expect(await failure(moov.close().then(() => moov.accessToken()))).toMatchObject({
    code: 'ERR_MOOV_CLOSED',
  });
});

describe('a token with more scopes than were asked for', () => {
  /** Moov gives each token these scopes. */
  async function granting(scope: unknown) {
    let tokens = 0;
    const server = await serve(({ path }) =>
      path === '/oauth2/token'
        ? {
            body: {
              access_token: `token-${++tokens}`,
              refresh_token: `refresh-${tokens}`,
              scope,
              expires_in: 900,
            },
          }
        : { status: 204 },
    );
    const moov = moovAuth('/accounts.read', {
      baseURL: server.url,
      clientId: 'id',
      clientSecret: 'secret',
      origin: 'https://app.example.com',
    });
    onTestFinished(() => moov.close());
    await moov.ready();
    const app = appOf(
      express,
      moov.browserTokenRouter({ guard: allow, scopes: ['/accounts.read', '/ping.read'] }),
    );
    const revoked = () =>
      server.requests.filter(({ path }) => path === '/oauth2/revoke').map(({ form }) => form.token);
    return { app, revoked };
  }

  test.each([
    '/accounts.read /accounts.write',
    '/accounts.write',
    ['/accounts.read', '/ping.read', '/fed.read'],
    '/ACCOUNTS.READ',
  ])('is revoked, and the browser gets 502: %j', async (scope) => {
    const { app, revoked } = await granting(scope);
    const response = await supertest(app).post('/token');
    expect(response.status).toBe(502);
    expect(response.body).toEqual({ error: 'server_error', error_description: 'Moov refused the request.' });
    await until(() => revoked().length === 2, 'the access token and the refresh token are revoked');
    expect(revoked()).toEqual(['refresh-2', 'token-2']);
  });

  test('compares with what the request asked for, not with what the server may grant', async () => {
    const { app } = await granting('/accounts.read /ping.read');
    expect(
      (
        await supertest(app)
          .post('/token')
          .send({ scopes: ['/ping.read'] })
      ).status,
    ).toBe(502);
    expect((await supertest(app).post('/token')).status).toBe(200);
  });

  test.each([undefined, null, '', ' ', []])('is none when Moov does not say: %j', async (scope) => {
    const { app, revoked } = await granting(scope);
    const response = await supertest(app).post('/token');
    expect(response.body.scopes).toEqual(['/accounts.read', '/ping.read']);
    expect(revoked()).toEqual([]);
  });

  test('is reported once for the scopes that the server uses itself', async () => {
    const events: object[] = [];
    const server = await serve({
      body: { access_token: 't', expires_in: 900, scope: '/ping.read /fed.read' },
    });
    const moov = moovAuth('/ping.read', {
      baseURL: server.url,
      clientId: 'id',
      clientSecret: 'secret',
      origin: 'https://app.example.com',
      onEvent: (event) => events.push(event),
    });
    onTestFinished(() => moov.close());
    await moov.ready();
    await moov.renew();
    expect(events.filter((event) => 'extra' in event)).toEqual([
      { type: 'token.widened', scopes: ['/ping.read'], accounts: [], extra: ['/fed.read'] },
    ]);
  });
});

describe('a browser that is gone', () => {
  const request = 'POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n';

  test('while its scopes are decided gets no token requested', async () => {
    const { sandbox, moov } = await start();
    let decided: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      decided = resolve;
    });
    const router = moov.browserTokenRouter({
      guard: allow,
      scopes: async (req) => {
        socket.destroy();
        await new Promise((resolve) => req.res?.once('close', resolve));
        setImmediate(decided);
        return '/ping.read';
      },
    });
    const socket = connect(await listen(appOf(express, router)), '127.0.0.1').on('error', () => undefined);
    socket.write(request);
    await over;
    await moov.client.get('/ping');
    expect(sandbox.stats.tokenRequests).toBe(1);
  });

  test('while its token is requested has it revoked', async () => {
    const { relay, moov } = await startBehindRelay();
    await moov.ready();
    const hold = relay.holdNextReply('/oauth2/token');
    let closed: Promise<unknown> = Promise.reject(new Error('no request'));
    closed.catch(() => undefined);
    const guard: RequestHandler = (_req, res, next) => {
      closed = new Promise((resolve) => res.once('close', resolve));
      next();
    };
    const router = moov.browserTokenRouter({ guard, scopes: '/ping.read' });
    const socket = connect(await listen(appOf(express, router)), '127.0.0.1').on('error', () => undefined);
    socket.write(request);
    await hold.reached;
    socket.destroy();
    await closed;
    hold.release();
    await until(() => relay.revocations.length === 2, 'both tokens are revoked');
    const given = relay.requests.filter(({ path }) => path === '/oauth2/token').at(-1)?.reply;
    expect(relay.revocations.map(({ token }) => token)).toEqual([given?.refresh_token, given?.access_token]);
    await until(() => moov.status().pendingRevocations === 0, 'Moov has confirmed it');
    expect(moov.status().tokens).toBe(1);
  });
});
