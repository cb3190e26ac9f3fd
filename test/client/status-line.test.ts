import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type MoovAuthOptions, moovAuth } from '../../src/index.js';
import { transports } from '../helpers/transports.js';

// 401, 429 and 503 are decided by the status line, however large or broken the body is.

type Answer = (response: ServerResponse) => void;

const bodies: [string, (status: number) => Answer][] = [
  [
    'a body over maxContentLength',
    (status) => (response) => response.writeHead(status).end('x'.repeat(5_000)),
  ],
  [
    'a body that is cut short',
    (status) => (response) => {
      response.writeHead(status, { 'content-length': '1000' });
      response.write('{"error":', () => response.destroy());
    },
  ],
  [
    'a body that is no gzip',
    (status) => (response) => response.writeHead(status, { 'content-encoding': 'gzip' }).end('not gzip'),
  ],
  [
    'a body that never ends',
    (status) => (response) => {
      response.writeHead(status, { 'content-length': '1000' });
      response.write('{');
    },
  ],
  [
    'chunks that break off',
    (status) => (response) => {
      response.writeHead(status);
      response.write('{', () => response.destroy());
    },
  ],
];

describe.each(transports)('over %s', (_name, over) => {
  /** A `MoovAuth` before a server that gives this answer first, and an empty object from then on. */
  async function start(first: Answer, options: MoovAuthOptions = {}) {
    let [tokens, calls] = [0, 0];
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        response.setHeader('content-type', 'application/json');
        if (request.url === '/oauth2/token') {
          response.end(JSON.stringify({ access_token: `token-${++tokens}`, expires_in: 900 }));
        } else if (++calls === 1) {
          first(response);
        } else {
          response.end('{}');
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const moov = moovAuth('/ping.read', {
      ...over,
      clientId: 'id',
      clientSecret: 'a-long-secret',
      origin: 'https://app.example.com',
      baseURL: `http://127.0.0.1:${port}`,
      attemptTimeoutMs: 1_000,
      axios: { maxContentLength: 2_000 },
      ...options,
    });
    onTestFinished(async () => {
      server.closeAllConnections();
      await moov.close();
      server.close();
    });
    await moov.ready();
    return { moov, counts: () => ({ tokens, calls }) };
  }

  it.each(bodies)('a 401 with %s is renewed and replayed, whatever the method', async (_what, answer) => {
    const { moov, counts } = await start(answer(401));
    const response = await moov.client.post('/x', { a: 1 });
    expect(response).toMatchObject({ status: 200, moov: { attempts: 2, ambiguous: false } });
    expect(counts()).toEqual({ tokens: 2, calls: 2 });
  });

  it.each(bodies)(
    'a 429 with %s is a refusal, after which a keyed write goes again',
    async (_what, answer) => {
      const { moov } = await start(answer(429));
      const response = await moov.client.post('/x', { a: 1 }, { headers: { 'X-Idempotency-Key': 'k' } });
      expect(response).toMatchObject({ status: 200, moov: { attempts: 2, ambiguous: false } });
    },
  );

  it.each(bodies)('a 503 with %s is one, and leaves a write ambiguous', async (_what, answer) => {
    const { moov } = await start(answer(503), { retries: 0 });
    await expect(moov.client.post('/x', { a: 1 })).rejects.toMatchObject({
      response: { status: 503 },
      moov: { attempts: 1, ambiguous: true },
    });
  });

  it.each(bodies)('a 401 with %s is renewed for moov.fetch too', async (_what, answer) => {
    const { moov } = await start(answer(401));
    const response = await moov.fetch('/x', { method: 'POST', body: '{}' });
    expect([response.status, response.moov.attempts]).toEqual([200, 2]);
  });
});
