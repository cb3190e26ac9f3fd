import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { describe, expect, test } from 'vitest';
import { moovWebhook } from '../../src/index.js';
import { appOf, expressVersions, listen } from '../helpers/apps.js';
import { event, secret, signedHeaders } from '../webhooks/deliveries.js';
import { type Answer, send } from '../webhooks/raw-request.js';
import { answerOK, webhookServer } from './webhook-server.js';

const body = JSON.stringify(event);
const json = { 'content-type': 'application/json' };

describe.each(expressVersions)('moovWebhook on $name', ({ express }) => {
  const serve = webhookServer(express);

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
      const answer = await send(port, { ...json, ...signedHeaders() }, given);
      expect(answer.status).toBe(status);
      if (status === 400) expect(answer.body).toContain('missing, or was read before');
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
    app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => {
      message = error.message;
      res.sendStatus(500);
    });
    expect((await send(await listen(app), signedHeaders(), body)).status).toBe(500);
    expect(message).toBe(
      'moovWebhook: got a request where options were expected. Call it: app.use(moovWebhook()).',
    );
  });
});
