import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { describe, expect, test } from 'vitest';
import { moovWebhook } from '../../src/index.js';
import { deferred } from '../../src/utils/async.js';
import { appOf, expressVersions } from '../helpers/apps.js';
import { until } from '../helpers/moov.js';
import { event, secret, signedHeaders } from '../webhooks/deliveries.js';
import { send } from '../webhooks/raw-request.js';
import { answerOK, beginRequest, webhookServer } from './webhook-server.js';

const body = JSON.stringify(event);
const json = { 'content-type': 'application/json' };

describe.each(expressVersions)('moovWebhook on $name', ({ express }) => {
  const serve = webhookServer(express);

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
      const { port, handled, closed } = await serve((req, res, next) => {
        if (handled.length > 1) answerOK(req, res, next);
        else client.destroy();
      });
      const headers = signedHeaders();
      const client = beginRequest(port, headers, body);
      await closed;
      expect((await send(port, headers, body)).status).toBe(204);
      expect(handled).toHaveLength(2);
    });

    test('after the connection was closed in the middle of the body is a new try', async () => {
      const begun = deferred<void>();
      const { port, handled, errors, closed } = await serve(answerOK, [
        (_req, _res, next) => {
          begun.resolve();
          next();
        },
      ]);
      const headers = signedHeaders();
      const client = beginRequest(port, headers, body, body.slice(0, 20));
      await begun.promise;
      client.destroy();
      await closed;
      expect((await send(port, headers, body)).status).toBe(204);
      expect([handled, errors]).toEqual([[event], []]);
    });

    test('after the connection was closed while the secret was read is a new try', async () => {
      const reading = deferred<void>();
      const read = deferred<string>();
      const readSecret = () => {
        reading.resolve();
        return read.promise;
      };
      const { port, handled, errors, closed } = await serve(answerOK, [], { secret: readSecret });
      const headers = signedHeaders();
      const client = beginRequest(port, headers, body);
      await reading.promise;
      client.destroy();
      await closed;
      read.resolve(secret);
      expect((await send(port, headers, body)).status).toBe(204);
      expect([handled, errors]).toEqual([[event], []]);
    });

    test('after a time-out of the application, while the body was read, is a new try', async () => {
      const begun = deferred<{ req: Request; res: Response }>();
      const { port, handled, errors, closed } = await serve(answerOK, [
        (req, res, next) => {
          begun.resolve({ req, res });
          next();
        },
      ]);
      const headers = signedHeaders();
      const client = beginRequest(port, headers, body, body.slice(0, 20));
      const { req, res } = await begun.promise;
      await until(() => req.listenerCount('data') > 0, 'the body is being read');
      res.sendStatus(503);
      await closed;
      client.write(body.slice(20));
      await once(req, 'end');
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
});

/** A write to a socket that has no other end. */
function written(_chunk: unknown, encoding: unknown, callback: unknown = encoding): boolean {
  if (typeof callback === 'function') setImmediate(() => callback());
  return true;
}
