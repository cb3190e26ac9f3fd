import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { MoovRevokeError, MoovTokenError, MoovUnavailableError } from '../../src/index.js';
import { listen } from '../helpers/apps.js';
import { fastClock } from '../helpers/fast-clock.js';
import { serve } from '../helpers/http-server.js';
import { rejection } from '../helpers/printed.js';
import { transports } from '../helpers/transports.js';
import { clientOf, grant, tokenReply } from './helpers.js';

type Respond = (response: ServerResponse, status: number) => void;

/** Bodies that a client can't read to their end, or not at all. */
const bodies: readonly [what: string, respond: Respond][] = [
  ['none', (response, status) => response.writeHead(status).end()],
  ['11 MB', (response, status) => response.writeHead(status).end(Buffer.alloc(11_000_000))],
  [
    '11 MB, compressed',
    (response, status) =>
      response.writeHead(status, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(11_000_000))),
  ],
  [
    'said to be compressed',
    (response, status) => response.writeHead(status, { 'content-encoding': 'gzip' }).end('not so'),
  ],
  [
    'compressed, and cut',
    (response, status) =>
      response
        .writeHead(status, { 'content-encoding': 'gzip' })
        .end(gzipSync('x'.repeat(9_000)).subarray(0, 20)),
  ],
  [
    'shorter than announced',
    (response, status) => {
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"error":"', () => response.destroy());
    },
  ],
  [
    'in chunks, the last of which is missing',
    (response, status) => {
      response.writeHead(status);
      response.write('half', () => response.destroy());
    },
  ],
  [
    'without an end',
    (response, status) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.write('{"error":');
    },
  ],
  ['a page', (response, status) => response.writeHead(status, { 'content-type': 'text/html' }).end('<html>')],
];

describe.each(transports)('over %s the status line decides, whatever the body', (_name, transport) => {
  async function clientOfServer(respond: (request: IncomingMessage, response: ServerResponse) => void) {
    const port = await listen((request, response) => {
      request.resume().once('end', () => respond(request, response));
    });
    return clientOf(`http://127.0.0.1:${port}`, { ...transport, retries: 0, timeoutMs: 20_000 });
  }

  describe.each(bodies)('body: %s', (what, respond) => {
    if (what === 'without an end') beforeEach(() => fastClock());

    test.each([
      [401, MoovTokenError, MoovRevokeError, 'ERR_MOOV_CREDENTIALS_REFUSED'],
      [429, MoovUnavailableError, MoovUnavailableError, 'ERR_MOOV_RATE_LIMITED'],
      [503, MoovUnavailableError, MoovUnavailableError, 'ERR_MOOV_SERVER_ERROR'],
      [408, MoovUnavailableError, MoovUnavailableError, 'ERR_MOOV_SERVER_ERROR'],
      [425, MoovUnavailableError, MoovUnavailableError, 'ERR_MOOV_SERVER_ERROR'],
    ])('%i', async (status, ofToken, ofRevocation, code) => {
      const client = await clientOfServer((_request, response) => respond(response, status));
      const refused = await rejection(client.createAccessToken(grant));
      expect(refused).toBeInstanceOf(ofToken);
      expect(refused).toMatchObject({ code, upstreamStatus: status });
      const notRevoked = await rejection(client.revokeAccessToken({ token: 't' }));
      expect(notRevoked).toBeInstanceOf(ofRevocation);
      expect(notRevoked).toMatchObject({ code, upstreamStatus: status });
    });
  });

  test('a 429 with a broken body still has its Retry-After', async () => {
    const client = await clientOfServer((_request, response) => {
      response.writeHead(429, { 'retry-after': '7', 'content-length': '1000' });
      response.write('half', () => response.destroy());
    });
    expect(await rejection(client.createAccessToken(grant))).toMatchObject({
      headers: { 'Retry-After': '7' },
    });
  });

  test('a success with a broken body is a failure', async () => {
    const client = await clientOfServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"access_token":"abc"}', () => response.destroy());
    });
    for (const call of [client.createAccessToken(grant), client.revokeAccessToken({ token: 't' })]) {
      expect(await rejection(call)).toMatchObject({ code: 'ERR_MOOV_NETWORK' });
    }
  });
});

describe('an HTML page from a gateway is not a response from Moov', () => {
  beforeEach(() => fastClock());

  const page = { headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<title>Blocked</title>' };
  const text = { headers: { 'content-type': 'text/plain' }, body: 'RBAC: access denied' };

  test.each([400, 403, 404, 405, 407, 413, 421, 431, 451, 502, 504, 520])('%i', async (status) => {
    for (const answer of [page, text]) {
      const server = await serve({ ...answer, status });
      const client = clientOf(server.url, { retries: 0 });
      for (const call of [client.createAccessToken(grant), client.revokeAccessToken({ token: 't' })]) {
        const error = await rejection(call);
        expect(error).toBeInstanceOf(MoovUnavailableError);
        expect(error).toMatchObject({ code: 'ERR_MOOV_SERVER_ERROR', status: 503, upstreamStatus: status });
        expect(String(error)).toContain('the response is not from Moov');
      }
    }
  });

  test.each([
    ['a page with 403', { ...page, status: 403 }],
    ['a number with 403', { ...text, body: '403', status: 403 }],
    ['a page with 404', { ...page, status: 404 }],
    ['408', { status: 408 }],
    ['425', { status: 425 }],
  ])('it is retried: %s', async (_what, answer) => {
    const server = await serve([answer, tokenReply()]);
    await clientOf(server.url).createAccessToken(grant);
    expect(server.requests).toHaveLength(2);
  });

  test.each([
    ['403 without a body', { status: 403 }, 'ERR_MOOV_CREDENTIALS_REFUSED'],
    ['401 with a page', { ...page, status: 401 }, 'ERR_MOOV_CREDENTIALS_REFUSED'],
    ['400 as JSON', { status: 400, body: { error: 'no' } }, 'ERR_MOOV_TOKEN_REFUSED'],
    ['404 without a body', { status: 404 }, 'ERR_MOOV_TOKEN_REFUSED'],
    [
      '400 as JSON that breaks off',
      { status: 400, headers: { 'content-type': 'application/json' }, body: '{"error' },
      'ERR_MOOV_TOKEN_REFUSED',
    ],
  ])('a refusal of Moov is final: %s', async (_what, answer, code) => {
    const server = await serve(answer);
    expect(await rejection(clientOf(server.url).createAccessToken(grant))).toMatchObject({ code });
    expect(server.requests).toHaveLength(1);
  });
});
