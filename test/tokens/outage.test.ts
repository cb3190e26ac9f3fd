import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import supertest from 'supertest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type MoovAuth, type MoovAuthOptions, moovAuth } from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { failure, until } from '../helpers/moov.js';

interface Moov {
  moov: MoovAuth;
  /** What the token endpoint does; a test changes it in the middle. */
  answer: RequestListener;
  tokenRequests: number;
}

const token: RequestListener = (_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ access_token: 'token', token_type: 'Bearer', expires_in: 900 }));
};

/** A Moov whose token endpoint answers as a test wants, and whose API always answers 200. */
async function startMoov(answer: RequestListener, options: MoovAuthOptions = {}): Promise<Moov> {
  const server = createServer((request, response) => {
    if (request.url === '/oauth2/token') {
      started.tokenRequests++;
      started.answer(request, response);
    } else {
      response.end('{}');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const moov = moovAuth('/ping.read', {
    clientId: 'id',
    clientSecret: 'secret',
    baseURL: `http://127.0.0.1:${port}`,
    tokenTimeoutMs: 2_000,
    ...options,
  });
  const started: Moov = { moov, answer, tokenRequests: 0 };
  onTestFinished(async () => {
    await moov.close();
    server.closeAllConnections();
    server.close();
  });
  return started;
}

const status =
  (code: number, headers: Record<string, string> = {}, body = ''): RequestListener =>
  (_request, response) => {
    response.writeHead(code, headers).end(body);
  };

const faults: [string, RequestListener, { code: string; status: number; attempts: number }][] = [
  ['hangs up', (request) => request.socket.destroy(), { code: 'ERR_MOOV_NETWORK', status: 503, attempts: 3 }],
  ['is slow', () => undefined, { code: 'ERR_MOOV_TIMEOUT', status: 503, attempts: 1 }],
  [
    'answers 429 with Retry-After',
    status(429, { 'retry-after': '2' }),
    { code: 'ERR_MOOV_RATE_LIMITED', status: 503, attempts: 1 },
  ],
  ['answers 500', status(500), { code: 'ERR_MOOV_SERVER_ERROR', status: 503, attempts: 3 }],
  [
    'answers with a page',
    status(200, { 'content-type': 'text/html' }, '<h1>Hello</h1>'),
    { code: 'ERR_MOOV_TOKEN_REPLY', status: 502, attempts: 3 },
  ],
  [
    'answers without an access_token',
    status(200, { 'content-type': 'application/json' }, '{"token_type":"Bearer"}'),
    { code: 'ERR_MOOV_TOKEN_REPLY', status: 502, attempts: 3 },
  ],
  [
    'is cut in the middle of its reply',
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"access_token":"');
      setTimeout(() => response.destroy(), 5);
    },
    { code: 'ERR_MOOV_NETWORK', status: 503, attempts: 3 },
  ],
  [
    'refuses the credentials',
    status(401),
    { code: 'ERR_MOOV_CREDENTIALS_REFUSED', status: 502, attempts: 1 },
  ],
];

describe.each(faults)('a token endpoint that %s', (_what, fault, expected) => {
  it('at start-up: callers wait for the outcome, and later calls reject at once', async () => {
    const stopClock = fastClock();
    const started = await startMoov(fault);
    const first = await failure(started.moov.client.get('/ping'));
    // Before the next probe.
    stopClock();
    expect(first).toMatchObject({ code: expected.code, status: expected.status, moov: { attempts: 0 } });
    expect(started.tokenRequests).toBe(expected.attempts);
    expect(started.moov.status()).toMatchObject({ state: 'failed', lastError: { code: expected.code } });
    // Who waited for the next outcome would get a token.
    started.answer = token;
    const errors = await Promise.all(
      Array.from({ length: 200 }, () => failure(started.moov.client.get('/ping'))),
    );
    for (const error of errors) {
      expect(error).toMatchObject({ code: expected.code });
      expect(Number(Object(error.headers)['Retry-After'])).toBeGreaterThan(0);
    }
    // None of them asked for one either.
    expect(started.tokenRequests).toBe(expected.attempts);
  });

  it('in the middle of a renewal: no call fails while the old token is valid', async () => {
    fastClock();
    const started = await startMoov(token);
    await started.moov.ready();
    started.answer = fault;
    await failure(started.moov.renew());
    expect((await started.moov.client.get('/ping')).status).toBe(200);
    expect(started.moov.status()).toMatchObject({ state: 'degraded', tokens: 1 });
  });
});

it('recovers automatically with the first retry after the endpoint is back', async () => {
  fastClock();
  const started = await startMoov(status(500));
  await failure(started.moov.ready());
  started.answer = token;
  const before = started.tokenRequests;
  await until(() => started.moov.status().state === 'ready', 'a probe has found it back');
  expect(started.tokenRequests).toBe(before + 1);
  expect((await started.moov.client.get('/ping')).status).toBe(200);
});

it('recovers from refused credentials when renew() is called', async () => {
  let secret = 'old';
  const started = await startMoov(
    (request, response) => {
      const given = Buffer.from(String(request.headers.authorization).slice(6), 'base64').toString();
      (given === 'id:new' ? token : status(401))(request, response);
    },
    { clientSecret: () => secret },
  );
  await failure(started.moov.ready());
  secret = 'new';
  await started.moov.renew();
  expect((await started.moov.client.get('/ping')).status).toBe(200);
});

it('a route without req.moov neither waits for Moov nor fails with it', async () => {
  const started = await startMoov(() => undefined, { tokenTimeoutMs: 60_000 });
  const app = express().use(started.moov);
  app.get('/plain', (_req, res) => {
    res.json('fine');
  });
  const began = performance.now();
  expect((await supertest(app).get('/plain')).body).toBe('fine');
  expect(performance.now() - began).toBeLessThan(20_000);
});

it('a failed start-up causes no unhandled rejection', async () => {
  fastClock();
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', listener);
  const started = await startMoov(status(500));
  await until(() => started.moov.status().state === 'failed', 'the start has failed');
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listener);
  expect(unhandled).toEqual([]);
});

describe('credentials from functions', () => {
  it('that fail are reported by name, and retried', async () => {
    fastClock();
    let vault = false;
    const started = await startMoov(token, {
      clientSecret: async () => {
        if (!vault) throw new Error('vault sealed');
        return 'secret';
      },
    });
    expect(await failure(started.moov.ready())).toMatchObject({
      code: 'ERR_MOOV_KEY_UNREADABLE',
      status: 503,
    });
    vault = true;
    await started.moov.ready();
    expect(started.tokenRequests).toBe(1);
  });
});

describe('renewal by refresh token', () => {
  it('is used if configured, and falls back to client credentials when refused', async () => {
    const grants: (string | null)[] = [];
    let refused = false;
    const started = await startMoov(
      (request, response) => {
        let body = '';
        request.on('data', (chunk) => {
          body += String(chunk);
        });
        request.on('end', () => {
          const grant = new URLSearchParams(body).get('grant_type');
          grants.push(grant);
          if (grant === 'refresh_token' && refused) return status(400)(request, response);
          const reply = { access_token: 'token', token_type: 'Bearer', refresh_token: 'r', expires_in: 900 };
          status(200, { 'content-type': 'application/json' }, JSON.stringify(reply))(request, response);
        });
      },
      { renewWith: 'refresh_token' },
    );
    await started.moov.ready();
    await started.moov.renew();
    refused = true;
    await started.moov.renew();
    expect(grants).toEqual(['client_credentials', 'refresh_token', 'refresh_token', 'client_credentials']);
  });
});
