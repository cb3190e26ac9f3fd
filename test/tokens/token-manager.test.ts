import { createServer } from 'node:http';
import express from 'express';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type MoovAuthOptions, moovAuth } from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { type Answer, type Received, serve } from '../helpers/http-server.js';
import { failure, until } from '../helpers/moov.js';
import { KEY, ORIGIN } from '../oauth/helpers.js';

const SCOPES = '/accounts/{accountID}/wallets.read';
const account = (index: number) => ({ accountID: `b1d2c3a4-0000-4000-8000-00000000000${index}` });

/** A Moov that issues `tok-1`, `tok-2`, ... A test says what it does with each request before that. */
async function startMoov(
  scopes: string,
  options: MoovAuthOptions = {},
  answer: (request: Received, number: number) => Answer | undefined = () => undefined,
) {
  let tokens = 0;
  const server = await serve((request) => {
    const isTokenRequest = request.path === '/oauth2/token';
    if (isTokenRequest) tokens++;
    const given = answer(request, tokens);
    if (given !== undefined) return given;
    if (isTokenRequest) return { status: 200, body: { access_token: `tok-${tokens}`, expires_in: 900 } };
    return request.path === '/oauth2/revoke' ? { status: 204 } : { status: 200, body: {} };
  });
  const moov = moovAuth(scopes, { ...KEY, origin: ORIGIN, baseURL: server.url, ...options });
  onTestFinished(() => moov.close());
  const of = (path: string) => server.requests.filter((request) => request.path === path);
  return {
    moov,
    server,
    tokenRequests: () => of('/oauth2/token'),
    revoked: () => of('/oauth2/revoke').map(({ form }) => form.token),
  };
}

/** A Moov whose token requests are answered when a test lets them. */
async function startSlowMoov(scopes: string, options: MoovAuthOptions = {}) {
  const waiting: (() => void)[] = [];
  const seen: string[] = [];
  const revoked: string[] = [];
  let calls = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const form = new URLSearchParams(body);
      if (request.url === '/oauth2/token') {
        const token = `tok-${seen.push(form.get('scope') ?? '')}`;
        waiting.push(() => response.end(JSON.stringify({ access_token: token, expires_in: 900 })));
      } else if (request.url === '/oauth2/revoke') {
        revoked.push(form.get('token') ?? '');
        response.writeHead(204).end();
      } else {
        calls++;
        response.end('{}');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  const moov = moovAuth(scopes, {
    ...KEY,
    origin: ORIGIN,
    baseURL: `http://127.0.0.1:${address.port}`,
    ...options,
  });
  onTestFinished(async () => {
    await moov.close();
    server.closeAllConnections();
    server.close();
  });
  return { moov, waiting, seen, revoked, calls: () => calls };
}

async function serveBrowserTokens(moov: ReturnType<typeof moovAuth>) {
  const open = new Set<object>();
  const app = express().use((_req, res, next) => {
    open.add(res);
    res.on('close', () => open.delete(res));
    next();
  });
  app.use(moov.browserTokenRouter({ guard: (_req, _res, next) => next(), scopes: '/ping.read' }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return { url: `http://127.0.0.1:${address.port}/token`, open };
}

describe('a token source that the pool evicts while its token request is in flight', () => {
  it('is ended by close(): the call is not sent, and the token is revoked', async () => {
    const { moov, waiting, revoked, calls } = await startSlowMoov(SCOPES, { maxTokens: 1 });
    const first = failure(moov.clientFor(account(1)).get('/x'));
    await until(() => waiting.length === 1, 'the first token request');
    const second = failure(moov.clientFor(account(2)).get('/x'));
    await until(() => waiting.length === 2, 'the second token request, which evicts the first source');
    const closed = moov.close({ revoke: true });
    expect(await first).toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    expect(await second).toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    for (const answer of waiting) answer();
    await closed;
    expect(revoked.sort()).toEqual(['tok-1', 'tok-2']);
    expect(calls()).toBe(0);
  });

  it('is reused by the next call for the same account: one token request for both', async () => {
    const { moov, waiting, seen } = await startSlowMoov(SCOPES, { maxTokens: 1 });
    const first = moov.accessToken(account(1));
    await until(() => waiting.length === 1, 'the first token request');
    const second = moov.accessToken(account(2));
    await until(() => waiting.length === 2, 'the second token request');
    const again = moov.accessToken(account(1));
    for (const answer of waiting) answer();
    expect(await Promise.all([first, second, again])).toEqual(['tok-1', 'tok-2', 'tok-1']);
    expect(seen).toHaveLength(2);
  });
});

describe('revoke()', () => {
  beforeEach(() => fastClock());

  it('also revokes the tokens that were replaced and evicted while still valid', async () => {
    const { moov, revoked } = await startMoov(SCOPES, { maxTokens: 1 });
    await moov.accessToken(account(1));
    await moov.renew(account(1));
    await moov.accessToken(account(2));
    expect(moov.status()).toMatchObject({ tokens: 1, pendingRevocations: 0 });
    await moov.revoke();
    expect(revoked().sort()).toEqual(['tok-1', 'tok-2', 'tok-3']);
    expect(moov.status()).toMatchObject({ tokens: 0, pendingRevocations: 0 });
  });

  it('does not reject for a token that an earlier revoke() could not revoke', async () => {
    const { moov, revoked } = await startMoov(SCOPES, {}, ({ form }) =>
      form.token === 'tok-1' ? { status: 422, body: { token: 'no' } } : undefined,
    );
    await moov.accessToken(account(1));
    expect(await failure(moov.revoke())).toMatchObject({ code: 'ERR_MOOV_REVOKE_REFUSED' });
    await moov.accessToken(account(2));
    await moov.revoke();
    expect(revoked()).toContain('tok-2');
    // The earlier one was tried again, and is pending.
    expect(revoked().filter((token) => token === 'tok-1').length).toBeGreaterThan(1);
    expect(moov.status().pendingRevocations).toBe(1);
  });

  it('forgets a pending revocation when its token has expired', async () => {
    const { moov } = await startMoov(SCOPES, {}, ({ path, form }, number) => {
      if (form.token !== undefined) return { status: 503 };
      return path === '/oauth2/token'
        ? { body: { access_token: `tok-${number}`, expires_in: 0.5 } }
        : undefined;
    });
    await moov.accessToken(account(1));
    await failure(moov.revoke());
    expect(moov.status().pendingRevocations).toBeLessThanOrEqual(1);
    await until(() => moov.status().pendingRevocations === 0, 'the token has expired');
    await moov.revoke();
  });

  it('gives a call that waited for the revoked token request another token at once', async () => {
    const { moov, waiting, revoked } = await startSlowMoov(SCOPES);
    const token = moov.accessToken(account(1));
    await until(() => waiting.length === 1, 'the token request');
    const done = moov.revoke();
    await until(() => waiting.length === 2, 'the token request of the call, while the first is in flight');
    waiting[1]?.();
    expect(await token).toBe('tok-2');
    waiting[0]?.();
    await done;
    expect(revoked).toEqual(['tok-1']);
  });
});

describe('token requests of one source', () => {
  beforeEach(() => fastClock());

  it('are at most one per second from an idle server whose tokens expire after a millisecond', async () => {
    const { moov, tokenRequests } = await startMoov('/ping.read', {}, ({ path }, number) =>
      path === '/oauth2/token' ? { body: { access_token: `tok-${number}`, expires_in: 0.001 } } : undefined,
    );
    await until(() => tokenRequests().length >= 4, 'four token requests');
    await moov.close();
    const [first, , , fourth] = tokenRequests();
    expect((fourth?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(2_900);
  });

  it('are at most one per second when every second call gets 401, and no call fails', async () => {
    let calls = 0;
    const { moov, tokenRequests } = await startMoov('/ping.read', {}, ({ path }) =>
      path === '/x' && calls++ % 2 === 0 ? { status: 401 } : undefined,
    );
    await moov.ready();
    const began = performance.now();
    for (let call = 0; call < 4; call++) expect((await moov.client.get('/x')).status).toBe(200);
    const seconds = (performance.now() - began) / 1_000;
    expect(tokenRequests().length).toBeLessThanOrEqual(3 + seconds);
    expect(seconds).toBeGreaterThan(2);
  });

  it('by renew() are at most one per second', async () => {
    const { moov, tokenRequests } = await startMoov('/ping.read');
    await moov.ready();
    const began = performance.now();
    for (let time = 0; time < 3; time++) await moov.renew();
    expect(performance.now() - began).toBeGreaterThan(1_900);
    expect(tokenRequests()).toHaveLength(4);
  });

  it('are not sent when the last waiting call is aborted', async () => {
    const { moov, tokenRequests } = await startMoov(SCOPES);
    await moov.renew(account(1));
    await moov.renew(account(1));
    await moov.revoke();
    const controller = new AbortController();
    const call = failure(moov.clientFor(account(1)).get('/x', { signal: controller.signal }));
    setTimeout(() => controller.abort(), 50);
    expect(await call).toMatchObject({ code: 'ERR_CANCELED' });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(tokenRequests()).toHaveLength(2);
    expect(await moov.accessToken(account(1))).toBe('tok-3');
  });
});

describe('browser tokens', () => {
  it('for clients that are gone are not requested, or are revoked; the server’s own requests go first', async () => {
    const { moov, waiting, seen, revoked } = await startSlowMoov(SCOPES);
    const { url, open } = await serveBrowserTokens(moov);
    const abort = new AbortController();
    const flood = Array.from({ length: 60 }, () =>
      fetch(url, { method: 'POST', signal: abort.signal }).catch(() => undefined),
    );
    await until(() => waiting.length === 10, 'ten token requests in flight');
    const own = moov.accessToken(account(1));
    waiting.shift()?.();
    await until(() => seen.length === 11, 'the next token request');
    expect(seen[10]).toContain('wallets.read');
    abort.abort();
    await Promise.all(flood);
    await until(() => open.size === 0, 'the clients have gone');
    await until(() => {
      for (const answer of waiting.splice(0)) answer();
      return revoked.length >= 9;
    }, 'the tokens of those that have gone are revoked');
    expect(await own).toBe('tok-11');
    expect(seen).toHaveLength(11);
  });
});

describe('a refresh token', () => {
  beforeEach(() => fastClock());

  it('stays in use if a renewal returns no other, and is revoked at the end', async () => {
    const { moov, tokenRequests, revoked } = await startMoov(
      '/ping.read',
      { renewWith: 'refresh_token' },
      ({ path, form }, number) => {
        if (path !== '/oauth2/token') return undefined;
        const first = form.grant_type === 'client_credentials';
        return {
          body: { access_token: `tok-${number}`, expires_in: 900, ...(first ? { refresh_token: 'r1' } : {}) },
        };
      },
    );
    await moov.ready();
    await moov.renew();
    await moov.renew();
    expect(tokenRequests().map(({ form }) => form.grant_type)).toEqual([
      'client_credentials',
      'refresh_token',
      'refresh_token',
    ]);
    await moov.revoke();
    expect(revoked().filter((token) => token === 'r1')).toHaveLength(1);
    expect(revoked().sort()).toEqual(['r1', 'tok-1', 'tok-2', 'tok-3']);
  });
});

describe('close()', () => {
  beforeEach(() => fastClock());

  it('with revoke resolves within 5 s, although Moov answers nothing', async () => {
    const { moov } = await startSlowMoov('/ping.read', { tokenTimeoutMs: 60_000 });
    const ready = failure(moov.ready());
    const began = performance.now();
    await moov.close({ revoke: true });
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(await ready).toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    expect(await failure(moov.accessToken())).toMatchObject({ code: 'ERR_MOOV_CLOSED' });
  });
});
