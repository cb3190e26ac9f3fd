import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { Express } from 'express';
import supertest from 'supertest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type MoovAuth, MoovConfigError, MoovOAuthClient } from '../../src/index.js';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { allow, appOf, expressVersions, listen, pingWith } from '../helpers/apps.js';
import { fastClock } from '../helpers/fast-clock.js';
import { startMoov } from '../helpers/moov.js';
import { startBehindRelay } from './relay.js';

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

/** A token of somebody else's than the `moovAuth` under test, by the same API key. */
function otherToken(sandbox: MoovSandbox): Promise<{ accessToken: string; refreshToken?: string }> {
  const oauth = new MoovOAuthClient(sandbox.options);
  return oauth.createAccessToken({ grantType: 'client_credentials', scope: '/ping.read' });
}

/** Sends the body in chunks, without `Content-Length`. */
async function postChunks(
  port: number,
  type: string,
  chunks: readonly string[],
): Promise<{ status: number | undefined; body: string }> {
  const outgoing = httpRequest({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/oauth/revoke',
    headers: { 'content-type': type, 'transfer-encoding': 'chunked' },
  });
  for (const chunk of chunks) outgoing.write(chunk);
  outgoing.end();
  const [reply] = await once(outgoing, 'response');
  return { status: reply.statusCode, body: await text(reply) };
}

function emptySuccess(response: supertest.Response): void {
  expect(response.status).toBe(200);
  expect(response.text).toBe('');
  expect(response.headers['cache-control']).toBe('no-store');
}

describe.each(expressVersions)('POST /revoke on $name', ({ express }) => {
  function revokeApp(moov: MoovAuth, options: { held?: boolean } = {}): Express {
    return appOf(express, ['/oauth', moov.revokeRouter({ guard: allow, ...options })]);
  }

  describe('with a token', () => {
    test.each([
      { type: JSON_TYPE, encode: (fields: object) => JSON.stringify(fields) },
      { type: `${JSON_TYPE}; charset=utf-8`, encode: (fields: object) => JSON.stringify(fields) },
      { type: 'application/vnd.example+json', encode: (fields: object) => JSON.stringify(fields) },
      { type: FORM, encode: (fields: object) => new URLSearchParams({ ...fields }).toString() },
    ])('revokes that token and no other: $type', async ({ type, encode }) => {
      const { sandbox, moov } = await startMoov();
      const [own, other] = [await moov.accessToken(), (await otherToken(sandbox)).accessToken];
      const body = encode({ token: other, token_type_hint: 'access_token' });
      emptySuccess(
        await supertest(revokeApp(moov)).post('/oauth/revoke').set('Content-Type', type).send(body),
      );
      expect(await pingWith(sandbox, other)).toBe(401);
      expect(await pingWith(sandbox, own)).toBe(200);
      expect(moov.status()).toMatchObject({ state: 'ready', tokens: 1, pendingRevocations: 0 });
    });

    test('passes on the token and the hint, if there is one, and nothing else', async () => {
      const { relay, moov } = await startBehindRelay();
      const app = revokeApp(moov);
      const token = 'a+token/with=signs & spaces';
      await supertest(app)
        .post('/oauth/revoke')
        .type('form')
        .send({ token, token_type_hint: 'refresh_token' });
      await supertest(app)
        .post('/oauth/revoke')
        .type('form')
        .send({ token, client_id: 'c', scope: '/ping.read' });
      expect(relay.revocations).toEqual([{ token, token_type_hint: 'refresh_token' }, { token }]);
    });

    test.each([
      [JSON_TYPE, '{"token":"a","token_type_hint":"id_token"}'],
      [JSON_TYPE, '{"token":"a","token_type_hint":""}'],
      [JSON_TYPE, '{"token":"a","token_type_hint":null}'],
      [FORM, 'token=a&token_type_hint=bearer'],
    ])('ignores a hint that is not known (RFC 7009 section 2.1): %s, %s', async (type, body) => {
      const { relay, moov } = await startBehindRelay();
      emptySuccess(
        await supertest(revokeApp(moov)).post('/oauth/revoke').set('Content-Type', type).send(body),
      );
      expect(relay.revocations).toEqual([{ token: 'a' }]);
    });

    test('succeeds for a token that Moov does not know or knows no longer (RFC 7009 section 2.2)', async () => {
      const { sandbox, moov } = await startMoov();
      const { accessToken: token } = await otherToken(sandbox);
      const app = revokeApp(moov);
      for (const known of [token, token, 'never-heard-of-it']) {
        emptySuccess(await supertest(app).post('/oauth/revoke').send({ token: known }));
      }
      expect(sandbox.stats).toMatchObject({ revokeRequests: 3, tokensRevoked: 1 });
    });

    test('after revoking a token of the moovAuth itself, the next call requests a new one', async () => {
      const { sandbox, moov } = await startMoov();
      const token = await moov.accessToken();
      emptySuccess(await supertest(revokeApp(moov)).post('/oauth/revoke').send({ token }));
      expect((await moov.client.get('/ping')).status).toBe(200);
      expect(sandbox.stats).toMatchObject({ unauthorized: 1, tokensMinted: 2 });
    });

    test('takes the request of RFC 7009 section 2.1 as it stands, byte by byte', async () => {
      const { sandbox, moov } = await startMoov();
      const { refreshToken = '' } = await otherToken(sandbox);
      const seen: (string | undefined)[] = [];
      const guard: Parameters<MoovAuth['revokeRouter']>[0]['guard'] = (req, _res, next) => {
        seen.push(req.headers.authorization);
        next();
      };
      const port = await listen(appOf(express, moov.revokeRouter({ guard })));
      const form = `token=${encodeURIComponent(refreshToken)}&token_type_hint=refresh_token`;
      const socket = connect(port, '127.0.0.1');
      socket.write(
        [
          'POST /revoke HTTP/1.1',
          'Host: server.example.com',
          'Content-Type: application/x-www-form-urlencoded',
          'Authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW',
          `Content-Length: ${form.length}`,
          'Connection: close',
          '',
          form,
        ].join('\r\n'),
      );
      const [head = '', body] = (await text(socket)).split('\r\n\r\n');
      expect(head.split('\r\n')[0]).toBe('HTTP/1.1 200 OK');
      expect(head.toLowerCase()).toContain('\r\ncontent-length: 0');
      expect(body).toBe('');
      expect(seen).toEqual(['Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW']);
      expect(sandbox.stats.tokensRevoked).toBe(1);
    });
  });

  describe('with an empty body', () => {
    const empty: { body: string; send: (app: Express) => supertest.Test }[] = [
      { body: 'none', send: (app) => supertest(app).post('/oauth/revoke') },
      {
        body: 'none of zero bytes',
        send: (app) => supertest(app).post('/oauth/revoke').set('Content-Length', '0'),
      },
      { body: 'an empty form', send: (app) => supertest(app).post('/oauth/revoke').type('form').send('') },
      {
        body: 'an empty JSON body',
        send: (app) => supertest(app).post('/oauth/revoke').type('json').send(''),
      },
      { body: '{}', send: (app) => supertest(app).post('/oauth/revoke').type('json').send('{}') },
      {
        body: '{ } and a line end',
        send: (app) => supertest(app).post('/oauth/revoke').type('json').send('{ }\n'),
      },
    ];

    test.each(empty)('revokes the cached tokens: $body', async ({ send }) => {
      const { sandbox, moov } = await startMoov();
      const token = await moov.accessToken();
      emptySuccess(await send(revokeApp(moov)));
      expect(await pingWith(sandbox, token)).toBe(401);
      // The access token and its refresh token.
      expect(sandbox.stats.tokensRevoked).toBe(2);
      expect(moov.status()).toEqual({ state: 'starting', tokens: 0, pendingRevocations: 0 });
    });

    test.each(empty)('held: false requires a token, for sign-outs: $body', async ({ send }) => {
      const { sandbox, moov } = await startMoov();
      const token = await moov.accessToken();
      const response = await send(revokeApp(moov, { held: false }));
      expect(response.status).toBe(400);
      expect(response.body).toEqual({
        error: 'invalid_request',
        error_description: 'The field "token" is required.',
      });
      expect(await pingWith(sandbox, token)).toBe(200);
      expect(sandbox.stats.revokeRequests).toBe(0);
    });

    test('held: false revokes a token that is given', async () => {
      const { sandbox, moov } = await startMoov();
      const { accessToken: token } = await otherToken(sandbox);
      emptySuccess(
        await supertest(revokeApp(moov, { held: false }))
          .post('/oauth/revoke')
          .send({ token }),
      );
      expect(await pingWith(sandbox, token)).toBe(401);
    });

    test('succeeds when nothing is held any more', async () => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      const app = revokeApp(moov);
      emptySuccess(await supertest(app).post('/oauth/revoke'));
      emptySuccess(await supertest(app).post('/oauth/revoke'));
      expect(sandbox.stats.revokeRequests).toBe(2);
    });
  });

  describe('400 invalid_request, and Moov is not asked', () => {
    const cases: readonly [what: string, type: string, body: string | Buffer, description: string][] = [
      ['fields, but no token', JSON_TYPE, '{"token_type_hint":"access_token"}', 'The field "token"'],
      ['a misspelt token', JSON_TYPE, '{"tokens":"abc"}', 'The field "token"'],
      ['fields, but no token, in a form', FORM, 'client_id=abc', 'The field "token"'],
      ['a form that is no more than a separator', FORM, '=', 'The field "token"'],
      ['a name that no parser keeps', FORM, '=abc', 'The field "token"'],
      ['an empty token', JSON_TYPE, '{"token":""}', 'The field "token"'],
      ['an empty token in a form', FORM, 'token=', 'The field "token"'],
      ['a token of null', JSON_TYPE, '{"token":null}', 'The field "token"'],
      ['a number for a token', JSON_TYPE, '{"token":42}', 'The field "token"'],
      ['a list of tokens', JSON_TYPE, '{"token":["a","b"]}', 'The field "token"'],
      ['an object for a token', JSON_TYPE, '{"token":{"$ne":""}}', 'The field "token"'],
      ['a hint of the wrong type', JSON_TYPE, '{"token":"a","token_type_hint":1}', '"token_type_hint"'],
      ['a field given twice (RFC 6749 section 3.2)', FORM, 'token=a&token=b', 'more than once'],
      ['JSON that breaks off', JSON_TYPE, '{"token":"a"', 'not valid JSON'],
      ['white space for JSON', JSON_TYPE, ' ', 'not valid JSON'],
      ['JSON that is a list', JSON_TYPE, '[]', 'object of fields'],
      ['JSON that is a string', JSON_TYPE, '"token"', 'object of fields'],
      ['JSON that is an empty string', JSON_TYPE, '""', 'object of fields'],
      ['JSON that is null', JSON_TYPE, 'null', 'object of fields'],
      ['another content type', 'text/plain', 'token=a', 'Expected application/json'],
      ['no form that is known here', 'multipart/form-data; boundary=x', '--x--', 'Expected application/json'],
    ];

    test.each(cases)('%s', async (_what, type, body, description) => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      const response = await supertest(revokeApp(moov))
        .post('/oauth/revoke')
        .set('Content-Type', type)
        .send(body);
      expect(response.status).toBe(400);
      expect(response.body).toEqual({
        error: 'invalid_request',
        error_description: expect.stringContaining(description),
      });
      expect(response.headers['cache-control']).toBe('no-store');
      expect(sandbox.stats.revokeRequests).toBe(0);
      expect(moov.status().tokens).toBe(1);
    });

    test('a body without a content type', async () => {
      const { sandbox, moov } = await startMoov();
      const port = await listen(revokeApp(moov));
      const response = await fetch(`http://127.0.0.1:${port}/oauth/revoke`, {
        method: 'POST',
        body: Buffer.from('token=a'),
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: 'invalid_request' });
      expect(sandbox.stats.revokeRequests).toBe(0);
    });

    test('an invalid compressed body', async () => {
      const { moov } = await startMoov();
      const response = await supertest(revokeApp(moov))
        .post('/oauth/revoke')
        .set({ 'Content-Type': FORM, 'Content-Encoding': 'gzip' })
        .send('token=a');
      expect(response.status).toBe(400);
      expect(response.body).toEqual({
        error: 'invalid_request',
        error_description: 'The body could not be read.',
      });
    });

    test('a token that Moov rejects, without further details in the response', async () => {
      const { moov } = await startMoov();
      const token = 'x'.repeat(4_097);
      const response = await supertest(revokeApp(moov)).post('/oauth/revoke').send({ token });
      expect(response.status).toBe(400);
      expect(response.body).toEqual({
        error: 'invalid_request',
        error_description: 'Moov does not accept this token.',
      });
    });
  });

  describe('413 over 16 KiB', () => {
    /** A JSON body of so many bytes. */
    const bodyOf = (bytes: number) => JSON.stringify({ token: 'x'.repeat(bytes - '{"token":""}'.length) });

    test('by Content-Length', async () => {
      const { sandbox, moov } = await startMoov();
      const response = await supertest(revokeApp(moov))
        .post('/oauth/revoke')
        .type('json')
        .send(bodyOf(16_385));
      expect(response.status).toBe(413);
      expect(response.body).toEqual({
        error: 'invalid_request',
        error_description: 'The body is larger than 16384 bytes.',
      });
      expect(sandbox.stats.revokeRequests).toBe(0);
    });

    test('in chunks, without Content-Length', async () => {
      const { sandbox, moov } = await startMoov();
      const port = await listen(revokeApp(moov));
      const { status, body } = await postChunks(port, JSON_TYPE, [bodyOf(10_000), ' '.repeat(6_385)]);
      expect(status).toBe(413);
      expect(JSON.parse(body)).toMatchObject({ error: 'invalid_request' });
      expect(sandbox.stats.revokeRequests).toBe(0);
    });

    test('a small body that becomes large when it is unpacked', async () => {
      const { sandbox, moov } = await startMoov();
      const response = await supertest(revokeApp(moov))
        .post('/oauth/revoke')
        .set({ 'Content-Type': JSON_TYPE, 'Content-Encoding': 'gzip' })
        .serialize((body) => body)
        .send(gzipSync(bodyOf(1_000_000)));
      expect(response.status).toBe(413);
      expect(sandbox.stats.revokeRequests).toBe(0);
    });

    test('16 KiB are not too much, either way', async () => {
      const { sandbox, moov } = await startMoov();
      const app = revokeApp(moov);
      const port = await listen(app);
      const body = JSON.stringify({ token: 'a' }).padEnd(16_384);
      emptySuccess(await supertest(app).post('/oauth/revoke').type('json').send(body));
      expect(await postChunks(port, JSON_TYPE, [body.slice(0, 9_000), body.slice(9_000)])).toEqual({
        status: 200,
        body: '',
      });
      expect(sandbox.stats.revokeRequests).toBe(2);
    });
  });

  test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])('405 with Allow for %s', async (method) => {
    const { sandbox, moov } = await startMoov();
    await moov.ready();
    const port = await listen(revokeApp(moov));
    const response = await fetch(`http://127.0.0.1:${port}/oauth/revoke`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST, OPTIONS');
    expect(response.headers.get('cache-control')).toBe('no-store');
    if (method !== 'HEAD') expect(await response.json()).toMatchObject({ error: 'invalid_request' });
    expect(sandbox.stats.revokeRequests).toBe(0);
  });

  test('other paths are left to the application', async () => {
    const { moov } = await startMoov();
    const app = appOf(
      express,
      ['/oauth', moov.revokeRouter({ guard: allow })],
      (_req, res) => void res.status(404).send('not here'),
    );
    const response = await supertest(app).post('/oauth/revoke/all');
    expect(response.status).toBe(404);
    expect(response.text).toBe('not here');
  });

  describe('when Moov does not revoke', () => {
    const revoke = { path: '/oauth2/revoke', times: Number.POSITIVE_INFINITY };
    const bodies = [
      { what: 'a token', body: { token: 'abc' } },
      { what: 'what is held', body: {} },
    ];

    describe.each(bodies)('$what', ({ body }) => {
      test.each([401, 403])('502 when Moov refuses the credentials with %i: never 401', async (status) => {
        const { sandbox, moov } = await startMoov();
        await moov.ready();
        sandbox.fail({ ...revoke, status });
        const response = await supertest(revokeApp(moov)).post('/oauth/revoke').send(body);
        expect(response.status).toBe(502);
        expect(response.body).toEqual({
          error: 'server_error',
          error_description: 'Moov refused the request.',
        });
        expect(response.headers['www-authenticate']).toBeUndefined();
      });

      test('502 for a redirect, which is not followed', async () => {
        const { sandbox, moov } = await startMoov();
        await moov.ready();
        sandbox.fail({ ...revoke, status: 307, headers: { location: 'https://elsewhere.example' } });
        const response = await supertest(revokeApp(moov)).post('/oauth/revoke').send(body);
        expect(response.status).toBe(502);
      });

      test.each([429, 503])('503 with the Retry-After of %i', async (status) => {
        const { sandbox, moov } = await startMoov();
        await moov.ready();
        sandbox.fail({ ...revoke, status, headers: { 'retry-after': '30' } });
        const response = await supertest(revokeApp(moov)).post('/oauth/revoke').send(body);
        expect(response.status).toBe(503);
        expect(response.headers['retry-after']).toBe('30');
        expect(response.headers['cache-control']).toBe('no-store');
        expect(response.body).toMatchObject({ error: 'temporarily_unavailable' });
      });

      test('503 with Retry-After when there is no connection', async () => {
        fastClock();
        const { sandbox, moov } = await startMoov();
        await moov.ready();
        await sandbox.close();
        const response = await supertest(revokeApp(moov)).post('/oauth/revoke').send(body);
        expect(response.status).toBe(503);
        expect(response.headers['retry-after']).toMatch(/^[1-9]\d*$/);
        expect(response.body).toMatchObject({ error: 'temporarily_unavailable' });
      });
    });

    test('one failure that passes is not noticed', async () => {
      fastClock();
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/oauth2/revoke', status: 503 });
      emptySuccess(await supertest(revokeApp(moov)).post('/oauth/revoke').send({ token: 'abc' }));
      expect(sandbox.stats.revokeRequests).toBe(2);
    });

    test('502, not 400, when Moov rejects a cached token, because the client sent nothing wrong', async () => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.fail({ ...revoke, status: 400, body: { error: 'no' } });
      const response = await supertest(revokeApp(moov)).post('/oauth/revoke');
      expect(response.status).toBe(502);
      expect(response.body).toMatchObject({ error: 'server_error' });
    });

    test('no response contains a token, the key or Moov’s text', async () => {
      const { sandbox, moov } = await startMoov();
      const held = await moov.accessToken();
      const { clientId, clientSecret } = sandbox.credentials;
      const echo = { error: `${held} ${clientId} ${clientSecret} abc-secret` };
      for (const status of [400, 401, 403, 404, 422])
        sandbox.fail({ ...revoke, times: 1, status, body: echo });
      const app = revokeApp(moov);
      for (let reply = 0; reply < 5; reply += 1) {
        const response = await supertest(app).post('/oauth/revoke').send({ token: 'abc-secret' });
        expect(response.status).toBeGreaterThanOrEqual(400);
        for (const secret of [held, clientId, clientSecret, 'abc-secret']) {
          expect(JSON.stringify([response.text, response.headers])).not.toContain(secret);
        }
      }
    });

    describe('on a clock that stands until it is set', () => {
      afterEach(() => {
        vi.useRealTimers();
      });

      test.each(bodies)('503 with Retry-After when 10 s have passed: $what', async ({ body }) => {
        const { sandbox, moov } = await startMoov();
        await moov.ready();
        const port = await listen(revokeApp(moov));
        sandbox.fail({ ...revoke, delayMs: 3_600_000 });
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });

        let answered = false;
        const answer = fetch(`http://127.0.0.1:${port}/oauth/revoke`, {
          method: 'POST',
          headers: { 'content-type': JSON_TYPE },
          body: JSON.stringify(body),
        }).finally(() => {
          answered = true;
        });
        while (sandbox.stats.revokeRequests === 0) await new Promise(setImmediate);
        let passed = 9_900;
        vi.advanceTimersByTime(passed);
        for (; !answered && passed < 10_100; passed += 1) {
          vi.advanceTimersByTime(1);
          for (let turn = 0; !answered && turn < 20; turn += 1) await new Promise(setImmediate);
        }
        expect(passed).toBeGreaterThanOrEqual(9_999);
        expect(passed).toBeLessThan(10_100);
        const response = await answer;
        expect(response.status).toBe(503);
        expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
        expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' });
      });
    });
  });
});

describe('options of revokeRouter', () => {
  test.each([
    { held: 'false' },
    { held: 0 },
    { held: null },
    { allowedOrigins: 'https://app.example.com' },
    { allowedOrigins: ['https://app.example.com/'] },
    { allowedOrigins: ['https://app.example.com:443'] },
    { allowedOrigins: ['https://user@app.example.com'] },
    { allowedOrigins: ['https://app.example.com?'] },
    { allowedOrigins: ['https://*.example.com'] },
    { allowedOrigins: ['https://bücher.example'] },
    { allowedOrigins: ['capacitor://localhost/'] },
    { allowedOrigins: ['capacitor://'] },
    { allowedOrigins: ['capacitor:localhost'] },
    { allowedOrigins: ['chrome-extension://*'] },
    { allowedOrigins: ['app://user@localhost'] },
    { allowedOrigins: ['app://local host'] },
    { allowedOrigins: ['file://'] },
    { allowedOrigins: ['file://localhost'] },
    { allowedOrigins: ['data:text/html,x'] },
    { allowedOrigins: ['app.example.com'] },
    { allowedOrigins: ['null'] },
    { allowedOrigins: ['*'] },
    { allowedOrigins: [''] },
    { allowedOrigins: [/example/] },
    { allowedOrigins: [undefined] },
    { allowedOrigins: ['https://app.example.com', 5] },
  ])('%o is refused at the call', async (wrong) => {
    const { moov } = await startMoov();
    const name = Object.keys(wrong)[0] ?? '';
    const build = () => Reflect.apply(moov.revokeRouter, moov, [{ guard: allow, ...wrong }]);
    expect(build).toThrow(MoovConfigError);
    expect(build).toThrow(`${name}: expected `);
  });

  test.each([
    [{ held: 'false' }, 'held: expected true or false; got a string.'],
    [{ guard: [allow, 'requireAdmin'] }, 'got a string at place 2 of 2.'],
    [
      { allowedOrigins: ['https://a.example.com', 'https://app.example.com/'] },
      'got https://app.example.com/, with a slash at its end at place 2 of 2.',
    ],
    [{ allowedOrigins: 'https://app.example.com' }, 'got a string.'],
  ])('%o is refused with what was given', async (wrong, message) => {
    const { moov } = await startMoov();
    const build = () => Reflect.apply(moov.revokeRouter, moov, [{ guard: allow, ...wrong }]);
    expect(build).toThrow(message);
  });
});
