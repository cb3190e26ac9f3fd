import { IncomingMessage, ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Express, RequestHandler } from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { allow, appOf, expressVersions, listen } from '../helpers/apps.js';
import { type Started, startMoov } from '../helpers/moov.js';

const JSON_TYPE = 'application/json';
const BODY = '{"token":"abc"}';

// Without a body these routes revoke every token, or give a token with all scopes. So no body is concluded from silence.

describe.each(expressVersions)('a body that is lost on its way, on $name', ({ express }) => {
  async function start(guard: RequestHandler = allow, ...before: RequestHandler[]) {
    const { sandbox, moov } = await startMoov();
    await moov.ready();
    const app = appOf(
      express,
      ...before,
      moov.revokeRouter({ guard }),
      moov.browserTokenRouter({ guard, scopes: '/ping.read' }),
    );
    return { sandbox, moov, app };
  }

  function expectNothingDone({ sandbox, moov }: Pick<Started, 'sandbox' | 'moov'>): void {
    expect(sandbox.stats).toMatchObject({ revokeRequests: 0, tokenRequests: 1 });
    expect(moov.status().tokens).toBe(1);
  }

  const head = (path: string, ...headers: string[]) =>
    [`POST ${path} HTTP/1.1`, 'Host: localhost', `Content-Type: ${JSON_TYPE}`, ...headers, '', ''].join(
      '\r\n',
    );

  describe.each(['/revoke', '/token'])('POST %s', (path) => {
    const requests: readonly [what: string, bytes: string][] = [
      ['whole', head(path, `Content-Length: ${BODY.length}`) + BODY],
      ['half of what is announced', head(path, 'Content-Length: 100') + BODY],
      ['nothing of what is announced', `${head(path, 'Content-Length: 100')}`],
      ['in chunks without a last one', `${head(path, 'Transfer-Encoding: chunked')}f\r\n${BODY}\r\n`],
      ['in chunks, none of which came', head(path, 'Transfer-Encoding: chunked')],
      ['none, which asks for everything', head(path, 'Content-Length: 0')],
      ['after a 100 Continue', `${head(path, 'Content-Length: 100', 'Expect: 100-continue')}`],
    ];

    test.each(requests)('the client is gone before the guard allows it: %s', async (_what, bytes) => {
      let passed: () => void = () => undefined;
      const over = new Promise<void>((resolve) => {
        passed = resolve;
      });
      const setup = await start((_req, res, next) => {
        res.once('close', () => {
          next();
          // Two turns later whatever follows has begun.
          setImmediate(() => setImmediate(passed));
        });
        socket.destroy();
      });
      const socket = connect(await listen(setup.app), '127.0.0.1').on('error', () => undefined);
      socket.write(bytes);
      await over;
      // What would have been asked of Moov has arrived there before this.
      await setup.moov.client.get('/ping');
      expectNothingDone(setup);
    });

    test.each(requests.slice(1, 5))('the client is gone while it is read: %s', async (_what, bytes) => {
      const requests: IncomingMessage[] = [];
      const setup = await start(allow, (req, _res, next) => {
        requests.push(req);
        next();
      });
      const socket = connect(await listen(setup.app), '127.0.0.1').on('error', () => undefined);
      socket.write(bytes);
      while ((requests[0]?.listenerCount('data') ?? 0) === 0) await new Promise(setImmediate);
      const closed = new Promise((resolve) => requests[0]?.once('close', resolve));
      socket.destroy();
      await closed;
      await setup.moov.client.get('/ping');
      expectNothingDone(setup);
    });

    const consumers: readonly [what: string, guard: RequestHandler][] = [
      ['reads it', (req, _res, next) => void req.resume().once('end', () => next())],
      ['takes one chunk of it', (req, _res, next) => void req.once('data', () => req.pause() && next())],
      [
        'reads it and takes its length away',
        (req, _res, next) => {
          delete req.headers['content-length'];
          req.resume().once('end', () => next());
        },
      ],
    ];
    test.each(consumers)('a guard that %s: 400', async (_what, guard) => {
      const setup = await start(guard);
      const response = await supertest(setup.app).post(path).type('json').send(BODY);
      expect(response.status).toBe(400);
      expectNothingDone(setup);
    });

    test('a guard that only pauses it', async () => {
      const { app } = await start((req, _res, next) => {
        req.pause();
        setImmediate(next);
      });
      expect((await supertest(app).post(path).type('json').send('{}')).status).toBe(200);
    });

    const broken: readonly [what: string, encoding: string, body: Buffer][] = [
      ['gzip that breaks off', 'gzip', gzipSync(BODY).subarray(0, 15)],
      ['gzip of nothing', 'gzip', gzipSync('')],
      ['no gzip', 'gzip', Buffer.from(BODY)],
      ['an encoding that is not known', 'zstd', Buffer.from(BODY)],
      ['two encodings', 'gzip, gzip', gzipSync(gzipSync(BODY))],
    ];
    test.each(broken)('%s: 400', async (_what, encoding, body) => {
      const setup = await start();
      const response = await supertest(setup.app)
        .post(path)
        .set({ 'Content-Type': JSON_TYPE, 'Content-Encoding': encoding })
        .serialize((bytes) => bytes)
        .send(body);
      expect(response.status).toBe(400);
      expectNothingDone(setup);
    });
  });

  test.each([
    ['gzip', gzipSync(BODY)],
    ['X-GZIP', gzipSync(BODY)],
    ['deflate', deflateSync(BODY)],
    ['br', brotliCompressSync(BODY)],
    ['identity', Buffer.from(BODY)],
  ])('a compressed body is read: %s', async (encoding, body) => {
    const { sandbox, app } = await start();
    const response = await supertest(app)
      .post('/revoke')
      .set({ 'Content-Type': JSON_TYPE, 'Content-Encoding': encoding })
      .serialize((bytes) => bytes)
      .send(body);
    expect(response.status).toBe(200);
    expect(sandbox.stats).toMatchObject({ revokeRequests: 1, tokensRevoked: 0 });
  });

  describe('adapters of serverless platforms, which make the request themselves', () => {
    interface Event {
      headers?: Record<string, string>;
      /** What the adapter leaves on `req.body`. */
      body?: unknown;
      /** What its stream has. */
      stream?: string | 'destroyed';
      http?: readonly [version: string, major: number];
    }

    /** As serverless-http and others do it. */
    function invoke(
      app: Express,
      path: string,
      { headers = {}, body, stream = '', http }: Event,
    ): Promise<number> {
      const req = new IncomingMessage(new Socket());
      const [httpVersion, httpVersionMajor] = http ?? ['1.1', 1];
      Object.assign(req, {
        method: 'POST',
        url: path,
        headers,
        httpVersion,
        httpVersionMajor,
        complete: true,
      });
      if (body !== undefined) Object.assign(req, { body });
      req._read = () => {
        if (stream !== '') req.push(stream);
        req.push(null);
      };
      if (stream === 'destroyed') req.destroy();
      const res = new ServerResponse(req);
      return new Promise((resolve) => {
        res.end = () => {
          resolve(res.statusCode);
          return res;
        };
        app(req, res);
      });
    }

    const declared = { 'content-type': JSON_TYPE, 'content-length': String(BODY.length) };
    const typed = { 'content-type': JSON_TYPE };

    test.each<[what: string, event: Event]>([
      ['a buffer', { headers: declared, body: Buffer.from(BODY) }],
      ['bytes', { headers: declared, body: new TextEncoder().encode(BODY) }],
      ['a string', { headers: declared, body: BODY }],
      ['an object', { headers: declared, body: { token: 'abc' } }],
      ['a string without a declared length', { headers: typed, body: BODY }],
      ['an object without a declared length', { headers: typed, body: { token: 'abc' } }],
      ['a string and the stream', { headers: declared, body: BODY, stream: BODY }],
      ['the stream alone', { headers: declared, stream: BODY }],
      ['the stream, and an empty object', { headers: declared, body: {}, stream: BODY }],
      ['a stream of HTTP/2, which needs no length', { headers: typed, stream: BODY, http: ['2.0', 2] }],
    ])('the one token that is given is revoked: %s', async (_what, event) => {
      const { sandbox, app } = await start();
      expect(await invoke(app, '/revoke', event)).toBe(200);
      expect(sandbox.stats).toMatchObject({ revokeRequests: 1, tokensRevoked: 0 });
    });

    test.each<[what: string, event: Event]>([
      ['nothing', {}],
      ['null', { body: null }],
      ['an empty string', { body: '' }],
      ['an empty buffer', { body: Buffer.alloc(0) }],
      ['an empty object', { body: {} }],
      ['a length of 0', { headers: { ...typed, 'content-length': '0' }, body: null }],
      ['a type alone', { headers: typed }],
      ['a stream of HTTP/2 without a byte', { http: ['2.0', 2] }],
    ])('no body revokes everything: %s', async (_what, event) => {
      const { sandbox, app } = await start();
      expect(await invoke(app, '/revoke', event)).toBe(200);
      expect(sandbox.stats.tokensRevoked).toBe(2);
    });

    const lost: readonly [what: string, event: Event][] = [
      ['nothing is left of it', { headers: declared }],
      ['null is left of it', { headers: declared, body: null }],
      ['an empty object is left of it', { headers: declared, body: {} }],
      ['an empty string is left of it', { headers: declared, body: '' }],
      ['the stream is destroyed', { headers: declared, stream: 'destroyed' }],
      ['the stream is shorter than declared', { headers: declared, stream: '{}' }],
      [
        'the stream is destroyed, and was chunked',
        { headers: { ...typed, 'transfer-encoding': 'chunked' }, stream: 'destroyed' },
      ],
      ['the stream of HTTP/2 is destroyed', { headers: typed, stream: 'destroyed', http: ['2.0', 2] }],
      ['the stream has more than the headers declare', { headers: typed, stream: BODY }],
      ['HTTP/1.0 has a type and no length', { headers: typed, http: ['1.0', 1] }],
      ['a list is left of it', { headers: declared, body: [] }],
      ['a list of nothing is left', { body: [] }],
      ['"null" is left of it', { headers: declared, body: 'null' }],
      ['a Map is left of it', { headers: typed, body: new Map([['token', 'abc']]) }],
      ['a URLSearchParams is left of it', { headers: typed, body: new URLSearchParams('token=abc') }],
      ['a number is left of it', { headers: typed, body: 0 }],
      ['false is left of it', { headers: typed, body: false }],
      [
        'fields without a value are left of it',
        { headers: declared, body: { token: undefined, scopes: undefined } },
      ],
      ['what can’t be JSON is left of it', { headers: declared, body: { token: 1n } }],
    ];
    describe.each(['/revoke', '/token'])('POST %s is refused with 400', (path) => {
      test.each(lost)('%s', async (_what, event) => {
        const setup = await start();
        expect(await invoke(setup.app, path, event)).toBe(400);
        expectNothingDone(setup);
      });
    });
  });
});
