import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { RequestHandler } from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { allow, appOf, expressVersions, listen, pingWith } from '../helpers/apps.js';
import { startMoov } from '../helpers/moov.js';

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';
const everything = { type: () => true };

// The revoke route has to tell "no body" (revoke what is held) from a body whose token somebody else has read.

describe.each(expressVersions)(
  'POST /revoke behind a body parser of the application, on $name',
  ({ express }) => {
    /** A parser that is `alike` leaves the same as another one here, and meets one body of each kind. */
    const parsers: { parser: string; middleware: RequestHandler[]; alike?: true }[] = [
      { parser: 'none', middleware: [] },
      { parser: 'json', middleware: [express.json()] },
      {
        parser: 'urlencoded, simple',
        middleware: [express.urlencoded({ extended: false })],
      },
      {
        parser: 'urlencoded, extended',
        middleware: [express.urlencoded({ extended: true })],
      },
      {
        parser: 'json and urlencoded',
        alike: true,
        middleware: [express.json(), express.urlencoded({ extended: true })],
      },
      { parser: 'text, for its own type', alike: true, middleware: [express.text()] },
      { parser: 'text, for everything', middleware: [express.text(everything)] },
      { parser: 'raw, for its own type', alike: true, middleware: [express.raw()] },
      { parser: 'raw, for everything', middleware: [express.raw(everything)] },
      {
        parser: 'all four',
        alike: true,
        middleware: [express.json(), express.urlencoded({ extended: false }), express.text(), express.raw()],
      },
      {
        parser: 'a default of {}, as Express 4 has it',
        middleware: [
          (req, _res, next) => {
            req.body ??= {};
            next();
          },
        ],
      },
    ];

    describe.each(parsers)('$parser', ({ middleware, alike = false }) => {
      const some = <Row>(all: Row[], count: number): Row[] => (alike ? all.slice(0, count) : all);

      async function start() {
        const { sandbox, moov } = await startMoov();
        const held = await moov.accessToken();
        const app = appOf(express, ...middleware, ['/oauth', moov.revokeRouter({ guard: allow })]);
        const post = (type: string, body: string) =>
          supertest(app).post('/oauth/revoke').set('Content-Type', type).send(body);
        return { sandbox, moov, held, app, post };
      }

      test.each([JSON_TYPE, FORM])('revokes the token that is given: %s', async (type) => {
        const { sandbox, held, post } = await start();
        const fields = { token: held, token_type_hint: 'access_token' };
        const body = type === FORM ? new URLSearchParams(fields).toString() : JSON.stringify(fields);
        const response = await post(type, body);
        expect(response.status).toBe(200);
        // That one alone, and not its refresh token with it.
        expect(sandbox.stats).toMatchObject({ revokeRequests: 1, tokensRevoked: 1 });
        expect(await pingWith(sandbox, held)).toBe(401);
      });

      const empty = [
        { type: JSON_TYPE, body: '' },
        { type: FORM, body: '' },
        { type: JSON_TYPE, body: '{}' },
      ];
      test.each(some(empty, 2))('revokes the cached tokens: $type, "$body"', async ({ type, body }) => {
        const { sandbox, moov, post } = await start();
        const response = await post(type, body);
        expect(response.status).toBe(200);
        expect(sandbox.stats.tokensRevoked).toBe(2);
        expect(moov.status().tokens).toBe(0);
      });

      test('revokes the cached tokens: a body of zero bytes and no type, as fetch sends it', async () => {
        const { sandbox, app } = await start();
        const port = await listen(app);
        const response = await fetch(`http://127.0.0.1:${port}/oauth/revoke`, { method: 'POST' });
        expect(response.status).toBe(200);
        expect(sandbox.stats.tokensRevoked).toBe(2);
      });

      test('revokes the cached tokens: neither a body nor a header for one, as curl sends it', async () => {
        const { sandbox, app } = await start();
        const socket = connect(await listen(app), '127.0.0.1');
        socket.write('POST /oauth/revoke HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
        expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
        expect(sandbox.stats.tokensRevoked).toBe(2);
      });

      const wrong = [
        { type: JSON_TYPE, body: '{"tokens":"abc"}' },
        { type: FORM, body: 'tokens=abc' },
        { type: JSON_TYPE, body: '[]' },
        { type: JSON_TYPE, body: '[{}]' },
        { type: FORM, body: 'token=' },
        { type: FORM, body: 'token=a&token=b' },
        { type: FORM, body: 'token[]=a' },
        { type: FORM, body: 'token[a]=b' },
        { type: FORM, body: '&' },
        // The extended parser drops these names, and leaves the object of an empty form.
        { type: FORM, body: '=abc' },
        { type: FORM, body: '__proto__=abc' },
      ];
      test.each(some(wrong, 2))('refuses fields without a token: $type, $body', async ({ type, body }) => {
        const { sandbox, moov, post } = await start();
        const response = await post(type, body);
        expect(response.status).toBe(400);
        expect(response.body).toMatchObject({ error: 'invalid_request' });
        expect(sandbox.stats.revokeRequests).toBe(0);
        expect(moov.status().tokens).toBe(1);
      });

      test('413 over 16 KiB, by Content-Length and in chunks', async () => {
        const { sandbox, app, post } = await start();
        const body = JSON.stringify({ token: 'x'.repeat(20_000) });
        expect((await post(JSON_TYPE, body)).status).toBe(413);
        expect(await postChunked(await listen(app), JSON_TYPE, body)).toBe(413);
        expect(sandbox.stats.revokeRequests).toBe(0);
      });
    });

    describe('a body that was consumed before never counts as empty', () => {
      const leave = (body: unknown): RequestHandler => {
        return (req, _res, next) => {
          const ended = () => {
            if (body !== 'as it was') req.body = body;
            next();
          };
          if (req.readableEnded) ended();
          else req.resume().once('end', ended);
        };
      };
      const readers: { reader: string; middleware: RequestHandler[] }[] = [
        { reader: 'nothing at all', middleware: [leave(undefined)] },
        { reader: 'null', middleware: [leave(null)] },
        { reader: 'an empty object', middleware: [leave({})] },
        { reader: 'an object without a prototype', middleware: [leave(Object.create(null))] },
        { reader: 'an empty string', middleware: [leave('')] },
        { reader: 'an empty buffer', middleware: [leave(Buffer.alloc(0))] },
        {
          reader: 'the default of a parser for something else',
          middleware: [express.text(), leave('as it was')],
        },
      ];
      const bodies = [
        { type: FORM, body: 'token=abc' },
        { type: JSON_TYPE, body: '{"token":"abc"}' },
        { type: 'multipart/form-data; boundary=x', body: '--x\r\n\r\nabc\r\n--x--' },
        { type: 'text/plain', body: 'abc' },
      ];

      describe.each(readers)('$reader', ({ middleware }) => {
        test.each(bodies)('$type', async ({ type, body }) => {
          const { sandbox, moov } = await startMoov();
          await moov.ready();
          const app = appOf(express, ...middleware, ['/oauth', moov.revokeRouter({ guard: allow })]);
          const response = await supertest(app).post('/oauth/revoke').set('Content-Type', type).send(body);
          expect(response.status).toBe(400);
          expect(response.body).toMatchObject({ error: 'invalid_request' });
          expect(await postChunked(await listen(app), type, body)).toBe(400);
          expect(sandbox.stats.revokeRequests).toBe(0);
          expect(moov.status().tokens).toBe(1);
        });
      });

      test('a lenient JSON parser leaves an empty string for ""', async () => {
        const { sandbox, moov } = await startMoov();
        await moov.ready();
        const parser = express.json({ strict: false });
        const app = appOf(express, parser, ['/oauth', moov.revokeRouter({ guard: allow })]);
        const response = await supertest(app).post('/oauth/revoke').type('json').send('""');
        expect(response.status).toBe(400);
        expect(sandbox.stats.revokeRequests).toBe(0);
      });
    });

    test('a parser may be a guard', async () => {
      const { sandbox, moov } = await startMoov();
      const names: string[][] = [];
      const look: RequestHandler = (req, _res, next) => {
        names.push(Object.keys(req.body));
        next();
      };
      const app = appOf(
        express,
        moov.revokeRouter({ guard: [express.urlencoded({ extended: false }), look] }),
      );
      const response = await supertest(app).post('/revoke').type('form').send({ token: 'abc' });
      expect(response.status).toBe(200);
      expect(names).toEqual([['token']]);
      expect(sandbox.stats).toMatchObject({ revokeRequests: 1, tokensRevoked: 0 });
    });

    test("an unparsable body is the application's to answer when its own parser reads it", async () => {
      const { sandbox, moov } = await startMoov();
      const app = appOf(express, express.json(), ['/oauth', moov.revokeRouter({ guard: allow })]);
      const response = await supertest(app).post('/oauth/revoke').type('json').send('{"token":');
      expect(response.status).toBe(400);
      expect(response.type).toBe('text/html');
      expect(sandbox.stats.revokeRequests).toBe(0);
    });
  },
);

/** Sends a body without `Content-Length`. */
function postChunked(port: number, type: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/oauth/revoke',
        headers: { 'content-type': type, 'transfer-encoding': 'chunked' },
      },
      (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      },
    );
    outgoing.once('error', reject);
    outgoing.write(body.slice(0, 5));
    outgoing.end(body.slice(5));
  });
}
