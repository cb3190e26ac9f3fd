import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type express5 from 'express';
import type { RequestHandler } from 'express';
import { describe, expect, test } from 'vitest';
import { type MoovWebhookOptions, moovErrorHandler, moovWebhook } from '../../src/index.js';
import { deferred } from '../../src/utils/async.js';
import { appOf, expressVersions, listen } from '../helpers/apps.js';
import { until } from '../helpers/moov.js';
import { event, secret, signedHeaders } from '../webhooks/deliveries.js';
import { type Answer, send } from '../webhooks/raw-request.js';

const body = JSON.stringify(event);
const json = { 'content-type': 'application/json' };

describe.each(expressVersions)('moovWebhook on $name', ({ express }) => {
  interface Webhook {
    port: number;
    /** The events that the handler was given. */
    handled: unknown[];
    /** The errors that it was not. */
    errors: unknown[];
  }

  const answerOK: RequestHandler = (_req, res) => void res.sendStatus(204);

  async function serve(
    handler: RequestHandler = answerOK,
    before: RequestHandler[] = [],
    options: MoovWebhookOptions = { secret },
  ): Promise<Webhook> {
    const handled: unknown[] = [];
    const errors: unknown[] = [];
    const app = appOf(
      express,
      ...before,
      moovWebhook(options),
      (req, _res, next) => {
        handled.push(req.moovEvent);
        next();
      },
      handler,
    );
    app.use(
      (error: unknown, _req: express5.Request, _res: express5.Response, next: express5.NextFunction) => {
        errors.push(error);
        next(error);
      },
    );
    app.use(moovErrorHandler());
    return { port: await listen(app), handled, errors };
  }

  test('passes a delivery to the handler, with its event', async () => {
    const { port, handled } = await serve();
    expect(await send(port, { ...json, ...signedHeaders() }, body)).toMatchObject({ status: 204 });
    expect(handled).toEqual([event]);
  });

  describe('refuses, before anything of the body is read', () => {
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
    const otherOrder = () => {
      const headers = signedHeaders();
      const [timestamp = '', nonce = '', webhookID = ''] = Object.values(headers);
      const swapped = signedHeaders({ timestamp: nonce, nonce: timestamp, webhookID });
      return { ...headers, 'x-signature': swapped['x-signature'] };
    };
    const withSignature = (change: (signature: string) => string) => () => {
      const headers = signedHeaders();
      return { ...headers, 'x-signature': change(headers['x-signature'] ?? '') };
    };
    const without = (name: string) => () => {
      const { [name]: _left, ...headers } = signedHeaders();
      return headers;
    };
    const twice = (name: string) => () => {
      const headers = signedHeaders();
      return [...Object.entries(headers), [name, headers[name] ?? '']] satisfies [string, string][];
    };

    type Headers = Record<string, string | undefined> | [string, string][];
    const SIGNATURE = 'ERR_MOOV_WEBHOOK_SIGNATURE';
    const EXPIRED = 'ERR_MOOV_WEBHOOK_EXPIRED';
    const attacks: readonly [attack: string, headers: () => Headers, code: string][] = [
      ['the signature of another secret', () => signedHeaders({ secret: 'another' }), SIGNATURE],
      ['the signature of the headers in another order', otherOrder, SIGNATURE],
      ['a signature in upper case', withSignature((signature) => signature.toUpperCase()), SIGNATURE],
      ['a signature that is too short', withSignature((signature) => signature.slice(0, -1)), SIGNATURE],
      ['a signature that is too long', withSignature((signature) => `${signature}0`), SIGNATURE],
      ['a signature with a prefix', withSignature((signature) => `sha512=${signature}`), SIGNATURE],
      [
        'a signature in base64',
        withSignature((hex) => Buffer.from(hex, 'hex').toString('base64')),
        SIGNATURE,
      ],
      ['an empty signature', withSignature(() => ''), SIGNATURE],
      ['no X-Signature', without('x-signature'), SIGNATURE],
      ['no X-Timestamp', without('x-timestamp'), SIGNATURE],
      ['no X-Nonce', without('x-nonce'), SIGNATURE],
      ['no X-Webhook-ID', without('x-webhook-id'), SIGNATURE],
      ['no header at all', () => ({}), SIGNATURE],
      ['X-Signature twice', twice('x-signature'), SIGNATURE],
      ['X-Timestamp twice', twice('x-timestamp'), SIGNATURE],
      ['X-Nonce twice', twice('x-nonce'), SIGNATURE],
      ['X-Webhook-ID twice', twice('x-webhook-id'), SIGNATURE],
      ['another nonce', () => ({ ...signedHeaders(), 'x-nonce': 'another' }), SIGNATURE],
      ['another timestamp', () => ({ ...signedHeaders(), 'x-timestamp': ago(1_000) }), SIGNATURE],
      ['another webhook ID', () => ({ ...signedHeaders(), 'x-webhook-id': 'another' }), SIGNATURE],
      ['a timestamp 6 minutes in the past', () => signedHeaders({ timestamp: ago(360_000) }), EXPIRED],
      ['a timestamp 6 minutes in the future', () => signedHeaders({ timestamp: ago(-360_000) }), EXPIRED],
    ];

    test.each(attacks)('%s: 401', async (_attack, makeHeaders, code) => {
      let wasRead = false;
      const { port, handled, errors } = await serve(answerOK, [
        (req, res, next) => {
          res.once('finish', () => {
            wasRead = req.readableDidRead;
          });
          next();
        },
      ]);
      const given = makeHeaders();
      const headers = Array.isArray(given) ? given : Object.entries(given);
      const answer = await send(port, [...headers, ['content-type', 'application/json']], body);
      expect(answer.status).toBe(401);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(JSON.parse(answer.body)).toMatchObject({ status: 401, code });
      expect(answer.body).not.toContain(secret);
      expect(wasRead).toBe(false);
      expect(handled).toEqual([]);
      expect(errors).toMatchObject([{ name: 'MoovWebhookError', code }]);
    });
  });

  test('accepts a changed body under valid headers, as Moov does not sign it', async () => {
    const { port, handled } = await serve();
    const changed = { ...event, data: { ...event.data, status: 'failed' } };
    expect((await send(port, signedHeaders(), JSON.stringify(changed))).status).toBe(204);
    expect(handled).toEqual([changed]);
  });

  describe('a repeat', () => {
    test('after a 2xx is answered with 200, and the handler does not run', async () => {
      const { port, handled } = await serve();
      const headers = signedHeaders();
      expect((await send(port, headers, body)).status).toBe(204);
      for (const repeated of [body, JSON.stringify({ ...event, eventID: 'another' }), 'no JSON', '']) {
        expect(await send(port, headers, repeated)).toMatchObject({ status: 200, body: '' });
      }
      expect(handled).toHaveLength(1);
    });

    test('during handling is answered with 409', async () => {
      const handling = deferred<void>();
      const { port, handled } = await serve(async (_req, res) => {
        await handling.promise;
        res.sendStatus(200);
      });
      const headers = signedHeaders();
      const first = send(port, headers, body);
      await until(() => handled.length === 1, 'the handler runs');
      const second = await send(port, headers, body);
      expect(second.status).toBe(409);
      expect(JSON.parse(second.body)).toMatchObject({ code: 'ERR_MOOV_WEBHOOK_IN_PROGRESS' });
      handling.resolve();
      expect((await first).status).toBe(200);
      expect((await send(port, headers, body)).status).toBe(200);
      expect(handled).toHaveLength(1);
    });

    test.each<[what: string, handler: RequestHandler, status: number]>([
      ['a 500', (_req, res) => void res.sendStatus(500), 500],
      ['a 409', (_req, res) => void res.sendStatus(409), 409],
      ['a redirect', (_req, res) => void res.redirect('/elsewhere'), 302],
      [
        'an error',
        () => {
          throw new Error('the database is down');
        },
        500,
      ],
      ['no handler', (_req, _res, next) => next(), 404],
    ])('after %s reaches the handler again', async (_what, fail, status) => {
      let fails = true;
      const { port, handled } = await serve((req, res, next) => {
        if (!fails) return answerOK(req, res, next);
        fails = false;
        return fail(req, res, next);
      });
      const headers = signedHeaders();
      expect((await send(port, headers, body)).status).toBe(status);
      expect((await send(port, headers, body)).status).toBe(204);
      expect(handled).toHaveLength(2);
    });

    test('after a body that can’t be used is a new try', async () => {
      const { port, handled } = await serve();
      const headers = signedHeaders();
      expect((await send(port, headers, body.slice(0, -1))).status).toBe(400);
      expect((await send(port, headers, body)).status).toBe(204);
      expect(handled).toEqual([event]);
    });

    test('after the connection was closed during handling reaches the handler again', async () => {
      let closed = false;
      const { port, handled } = await serve((req, res, next) => {
        if (handled.length > 1) return answerOK(req, res, next);
        res.once('close', () => {
          closed = true;
        });
        client.destroy();
      });
      const headers = { ...signedHeaders(), host: 'localhost', 'content-length': String(body.length) };
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const client = connect(port, '127.0.0.1').on('error', () => undefined);
      client.write(`POST / HTTP/1.1\r\n${head.join('')}\r\n${body}`);
      await until(() => closed, 'the server has seen the end of the connection');
      expect((await send(port, headers, body)).status).toBe(204);
      expect(handled).toHaveLength(2);
    });

    test('after the connection was closed in the middle of the body is a new try', async () => {
      let closed = false;
      const { port, handled } = await serve(answerOK, [
        (_req, res, next) => {
          res.once('close', () => {
            closed = true;
          });
          next();
        },
      ]);
      const headers = { ...signedHeaders(), host: 'localhost', 'content-length': String(body.length) };
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const client = connect(port, '127.0.0.1').on('error', () => undefined);
      client.write(`POST / HTTP/1.1\r\n${head.join('')}\r\n${body.slice(0, 20)}`, () => client.destroy());
      await until(() => closed, 'the server has seen the end of the connection');
      expect(handled).toHaveLength(0);
      expect((await send(port, headers, body)).status).toBe(204);
      expect(handled).toEqual([event]);
    });

    test('after the connection was closed while the secret was read is a new try', async () => {
      const reading = deferred<void>();
      const read = deferred<string>();
      let closed = false;
      const { port, handled, errors } = await serve(
        answerOK,
        [
          (_req, res, next) => {
            res.once('close', () => {
              closed = true;
            });
            next();
          },
        ],
        {
          secret: () => {
            reading.resolve();
            return read.promise;
          },
        },
      );
      const headers = { ...signedHeaders(), host: 'localhost', 'content-length': String(body.length) };
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const client = connect(port, '127.0.0.1').on('error', () => undefined);
      client.write(`POST / HTTP/1.1\r\n${head.join('')}\r\n${body}`);
      await reading.promise;
      client.destroy();
      await until(() => closed, 'the server has seen the end of the connection');
      read.resolve(secret);
      expect((await send(port, headers, body)).status).toBe(204);
      expect([handled, errors]).toEqual([[event], []]);
    });

    test('behind an adapter of a serverless platform, which emits no "close"', async () => {
      let fails = true;
      let runs = 0;
      const app = appOf(express, moovWebhook({ secret }), (_req, res) => {
        runs++;
        res.sendStatus(fails ? 500 : 200);
      });
      const headers = { ...json, ...signedHeaders(), 'content-length': String(body.length) };
      expect([await invoke(app, headers), runs]).toEqual([500, 1]);
      fails = false;
      expect([await invoke(app, headers), runs]).toEqual([200, 2]);
      expect([await invoke(app, headers), runs]).toEqual([200, 2]);
    });

    /** As an adapter does it: a request and a response without a server. */
    async function invoke(app: RequestHandler, headers: Record<string, string>): Promise<number> {
      const req = new IncomingMessage(new Socket());
      Object.assign(req, { method: 'POST', url: '/', headers, complete: true, body: Buffer.from(body) });
      req.push(null);
      const res = new ServerResponse(req);
      res.assignSocket(Object.assign(new Socket(), { write: written }));
      const finished = once(res, 'finish');
      app(Object.assign(req), Object.assign(res), () => undefined);
      await finished;
      return res.statusCode;
    }

    test('is known by this middleware alone', async () => {
      const [one, another] = [await serve(), await serve()];
      const headers = signedHeaders();
      await send(one.port, headers, body);
      await send(another.port, headers, body);
      expect([one.handled.length, another.handled.length]).toEqual([1, 1]);
    });
  });

  describe('the body', () => {
    const large = JSON.stringify({ ...event, data: 'x'.repeat(10_000_000) });
    test.each<[what: string, body: string | Buffer, headers: Record<string, string>, status: number]>([
      ['10 MB', large, {}, 413],
      ['10 MB in chunks', large, { 'transfer-encoding': 'chunked' }, 413],
      ['10 MB, compressed', gzipSync(large), { 'content-encoding': 'gzip' }, 413],
      ['no JSON', 'eventID=1', {}, 400],
      ['no event', '{}', {}, 400],
      ['nothing', '', {}, 400],
      ['no gzip', body, { 'content-encoding': 'gzip' }, 400],
      ['an encoding that is not known', body, { 'content-encoding': 'zstd' }, 400],
      ['gzip', gzipSync(body), { 'content-encoding': 'gzip' }, 204],
      ['br', brotliCompressSync(body), { 'content-encoding': 'br' }, 204],
      ['in chunks', body, { 'transfer-encoding': 'chunked' }, 204],
      ['of another type', body, { 'content-type': 'text/plain' }, 204],
      ['without a type', body, { 'content-type': '' }, 204],
      ['with __proto__', body.replace('{', '{"__proto__":{"isAdmin":true},'), {}, 204],
    ])('%s', async (_what, given, headers, status) => {
      const { port, handled } = await serve();
      const answer = await send(port, { ...json, ...signedHeaders(), ...headers }, given);
      expect(answer.status).toBe(status);
      expect(handled).toEqual(status === 204 ? [event] : []);
    });

    const parsers: readonly [what: string, parsers: RequestHandler[]][] = [
      ['express.json()', [express.json()]],
      ['express.text()', [express.text({ type: '*/*' })]],
      ['express.raw()', [express.raw({ type: '*/*' })]],
      ['parsers of other types', [express.urlencoded({ extended: false }), express.text({ type: 'text/*' })]],
    ];
    test.each(parsers)('is taken from %s', async (_what, before) => {
      const { port, handled } = await serve(answerOK, before);
      expect((await send(port, { ...json, ...signedHeaders() }, body)).status).toBe(204);
      expect(handled).toEqual([event]);
    });

    test.each<[what: string, status: number, parsers: RequestHandler[]]>([
      ['over 256 KiB, from express.json()', 413, [express.json({ limit: '1mb' })]],
      ['over 256 KiB, from express.raw()', 413, [express.raw({ limit: '1mb', type: '*/*' })]],
      ['that was read and lost', 400, [(req, _res, next) => void req.resume().once('end', () => next())]],
      [
        'of which an empty object is left',
        400,
        [
          express.json({ limit: '1mb' }),
          (req, _res, next) => {
            req.body = {};
            next();
          },
        ],
      ],
    ])('%s is refused: %i', async (_what, status, before) => {
      const { port, handled } = await serve(answerOK, before);
      const given = status === 413 ? JSON.stringify({ ...event, data: 'x'.repeat(300_000) }) : body;
      expect((await send(port, { ...json, ...signedHeaders() }, given)).status).toBe(status);
      expect(handled).toEqual([]);
    });
  });

  test('a thousand at once: each delivery is handled once', async () => {
    const { port, handled } = await serve(async (_req, res) => {
      await new Promise(setImmediate);
      res.sendStatus(200);
    });
    const deliveries = Array.from({ length: 100 }, (_, index) => ({
      headers: signedHeaders(),
      body: JSON.stringify({ ...event, eventID: String(index) }),
    }));
    const requests = deliveries.flatMap((delivery) => Array.from({ length: 10 }, () => delivery));
    const answers: Answer[] = await Promise.all(
      requests.map(({ headers, body }) => send(port, headers, body)),
    );
    expect(new Set(answers.map(({ status }) => status)).size).toBeLessThanOrEqual(2);
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    const ids = handled.map((one) => Reflect.get(Object(one), 'eventID')).sort();
    expect(ids).toEqual(deliveries.map((_, index) => String(index)).sort());
  });

  test('mounted without being called, it says how to', async () => {
    const uncalled: RequestHandler = Object(moovWebhook);
    const app = appOf(express, uncalled);
    let message = '';
    app.use((error: Error, _req: express5.Request, res: express5.Response, _next: express5.NextFunction) => {
      message = error.message;
      res.sendStatus(500);
    });
    expect((await send(await listen(app), signedHeaders(), body)).status).toBe(500);
    expect(message).toBe(
      'moovWebhook: got a request where options were expected. Call it: app.use(moovWebhook()).',
    );
  });
});

/** A write to a socket that has no other end. */
function written(_chunk: unknown, encoding: unknown, callback: unknown = encoding): boolean {
  if (typeof callback === 'function') setImmediate(() => callback());
  return true;
}
