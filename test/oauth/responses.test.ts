import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  MoovAuthError,
  MoovOriginError,
  MoovRevokeError,
  MoovTokenError,
  MoovUnavailableError,
} from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { type Answer, type Received, type Reply, refusingURL, serve } from '../helpers/http-server.js';
import { expectNoSecret, rejection } from '../helpers/printed.js';
import { BASIC, clientOf, grant, KEY, tokenReply } from './helpers.js';

afterEach(() => {
  vi.useRealTimers();
});

const REFRESH = 'refresh-token/that+must=not show';
const TOKEN = 'access-token/that+must=not.show';
const NOT_SHOWN = [KEY.clientSecret, BASIC, REFRESH, TOKEN] as const;
const html: Reply = {
  headers: { 'content-type': 'text/html; charset=utf-8', 'x-request-id': 'req-9' },
  body: '<!doctype html><title>Wartung</title>',
};
const once = { retries: 0 };

/** The error of a token request that is answered so; checked to hold no secret. */
async function createFailure(answer: Answer | ((request: Received) => Answer)): Promise<unknown> {
  const server = await serve(answer);
  const request = { grantType: 'refresh_token', refreshToken: REFRESH } as const;
  const error = await rejection(clientOf(server.url).createAccessToken(request, once));
  expectNoSecret(error, ...NOT_SHOWN);
  return error;
}

/** The same of a revocation. */
async function revokeFailure(answer: Answer | ((request: Received) => Answer)): Promise<unknown> {
  const server = await serve(answer);
  const error = await rejection(clientOf(server.url).revokeAccessToken({ token: TOKEN }, once));
  expectNoSecret(error, ...NOT_SHOWN);
  return error;
}

describe('a token response', () => {
  test('has the names of Moov’s libraries, with status and request ID', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-03-01T12:00:00Z') });
    const server = await serve(tokenReply({ expires_in: 900 }));
    const token = await clientOf(server.url).createAccessToken(grant);
    expect(token).toEqual({
      accessToken: 'eyJ.access-token_1',
      tokenType: 'Bearer',
      refreshToken: 'refresh-token-1',
      scope: '/ping.read',
      expiresIn: 900,
      lifetimeMs: expect.toSatisfy((ms: number) => ms > 890_000 && ms <= 900_000),
      expiresAt: new Date(Date.now() + token.lifetimeMs),
      requestId: 'req-token',
      status: 200,
    });
  });

  test('needs nothing but an access token', async () => {
    const server = await serve({ body: { access_token: 'abc' } });
    const token = await clientOf(server.url).createAccessToken(grant);
    expect(token).toEqual({
      accessToken: 'abc',
      tokenType: 'Bearer',
      lifetimeMs: 900_000,
      expiresAt: expect.any(Date),
      status: 200,
    });
  });

  test.each([undefined, null, ''])('may have %j as refresh_token, which is then absent', async (value) => {
    const server = await serve(tokenReply({ refresh_token: value }));
    expect(await clientOf(server.url).createAccessToken(grant)).not.toHaveProperty('refreshToken');
  });

  test.each(['Bearer', 'bearer', 'BEARER', 'opaque'])('may have the type %s', async (token_type) => {
    const server = await serve(tokenReply({ token_type }));
    const token = await clientOf(server.url).createAccessToken(grant);
    expect(token.tokenType).toBe(token_type);
  });

  test.each([undefined, null, ''])('may have %j as token_type, which then is Bearer', async (token_type) => {
    const server = await serve(tokenReply({ token_type }));
    expect((await clientOf(server.url).createAccessToken(grant)).tokenType).toBe('Bearer');
  });

  test.each<[unknown, number]>([
    ['3600', 3_600],
    [' 900 ', 900],
    ['900.5', 900.5],
    [900.5, 900.5],
  ])('may have %j as expires_in: some servers send numbers as strings', async (expires_in, expiresIn) => {
    const server = await serve(tokenReply({ expires_in }));
    const token = await clientOf(server.url).createAccessToken(grant);
    expect(token.expiresIn).toBe(expiresIn);
    expect(token.lifetimeMs).toBeGreaterThan((expiresIn - 60) * 1_000);
    expect(token.lifetimeMs).toBeLessThanOrEqual(expiresIn * 1_000);
  });

  test('may have a timestamp as a string in expires_in', async () => {
    const server = await serve(tokenReply({ expires_in: String(Math.round(Date.now() / 1000) + 600) }));
    const token = await clientOf(server.url).createAccessToken(grant);
    expect(token.lifetimeMs).toBeGreaterThan(500_000);
    expect(token.lifetimeMs).toBeLessThan(700_000);
  });

  test.each(['', ' ', null])('may have %j as expires_in, which counts as absent', async (expires_in) => {
    const server = await serve(tokenReply({ expires_in }));
    const token = await clientOf(server.url).createAccessToken(grant);
    expect(token).not.toHaveProperty('expiresIn');
    expect(token.lifetimeMs).toBe(900_000);
  });

  test.each<[unknown, string]>([
    [['/ping.read', '/accounts.read'], '/ping.read /accounts.read'],
    [['/ping.read /fed.read', '/accounts.read'], '/ping.read /fed.read /accounts.read'],
    ['  /ping.read\t/accounts.read\n', '/ping.read /accounts.read'],
  ])('may have %j as scope', async (scope, expected) => {
    const server = await serve(tokenReply({ scope }));
    expect((await clientOf(server.url).createAccessToken(grant)).scope).toBe(expected);
  });

  test.each([undefined, null, '', '  ', [], ['']])(
    'may have %j as scope, which is then absent',
    async (scope) => {
      const server = await serve(tokenReply({ scope }));
      expect(await clientOf(server.url).createAccessToken(grant)).not.toHaveProperty('scope');
    },
  );

  test('may have numbers as tokens', async () => {
    const server = await serve(tokenReply({ access_token: 42, refresh_token: 43 }));
    const token = await clientOf(server.url).createAccessToken(grant);
    expect(token).toMatchObject({ accessToken: '42', refreshToken: '43' });
  });

  test.each([
    'the-token-of-this-response',
    'id-the-token-of-this-response',
    'eyJhbGciOi.eyJzdWIi.c2ln',
    'Bearer x',
  ])('may come with a token as its x-request-id, which is then not told: %s', async (id) => {
    const reply = tokenReply({ access_token: 'the-token-of-this-response' });
    const server = await serve({ ...reply, headers: { 'x-request-id': id } });
    expect(await clientOf(server.url).createAccessToken(grant)).not.toHaveProperty('requestId');
  });

  test('may begin with a byte order mark, as .NET servers send it', async () => {
    const server = await serve({ body: '\ufeff{"access_token":"abc","expires_in":60}' });
    expect((await clientOf(server.url).createAccessToken(grant)).accessToken).toBe('abc');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['without access_token', { access_token: undefined }, 'access_token is not a bearer token'],
    ['with null as access_token', { access_token: null }, 'access_token is not'],
    ['with an empty access_token', { access_token: '' }, 'access_token is not'],
    ['with a line break in it', { access_token: `${TOKEN}\r\nX-Injected: 1` }, 'access_token is not'],
    ['with a line break at its end', { access_token: 'abc\n' }, 'access_token is not'],
    ['with a space in it', { access_token: `a ${TOKEN}` }, 'access_token is not'],
    ['with a quote in it', { access_token: 'a"b' }, 'access_token is not'],
    ['with an umlaut in it', { access_token: 'tökén' }, 'access_token is not'],
    ['with "=" not at its end', { access_token: TOKEN }, 'access_token is not'],
    ['with a token of 20,000 characters', { access_token: 'a'.repeat(20_000) }, 'access_token is not'],
    ['of the type mac', { token_type: 'mac' }, 'token_type is neither Bearer nor opaque'],
    ['of the type DPoP', { token_type: 'DPoP' }, 'token_type is neither'],
    ['with a line break in the refresh token', { refresh_token: 'a\nb' }, 'refresh_token is not'],
    [
      'with a refresh token of 4,097 characters',
      { refresh_token: 'a'.repeat(4_097) },
      'refresh_token is not',
    ],
    ['with a number as scope', { scope: 7 }, 'scope is neither a string'],
    ['with a number in a list of scopes', { scope: ['/ping.read', 7] }, 'scope is neither a string'],
    ['with a scope of 100,000 characters', { scope: 'x'.repeat(100_000) }, 'scope is neither a string'],
    ['with a huge expires_in', { expires_in: 1e300 }, 'expires_in is neither seconds of life nor'],
    ['with a timestamp in milliseconds', { expires_in: 1_736_964_352_000 }, 'expires_in is neither'],
    ['with a negative expires_in', { expires_in: -1 }, 'expires_in is neither'],
    ['with 0 as expires_in', { expires_in: 0 }, 'expires_in is neither'],
    ['with "NaN" as expires_in', { expires_in: 'NaN' }, 'expires_in is neither'],
    ['with false as expires_in', { expires_in: false }, 'expires_in is neither'],
    ['with a list as expires_in', { expires_in: [3600] }, 'expires_in is neither'],
    ['that expired in 2001', { expires_in: 1_000_000_000 }, 'expires_in is a time in the past'],
  ])('%s is refused', async (_, fields, fault) => {
    const error = await createFailure(tokenReply(fields));
    expect(error).toBeInstanceOf(MoovTokenError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_TOKEN_REPLY',
      status: 502,
      upstreamStatus: 200,
      requestId: 'req-token',
    });
    expect(String(error)).toContain(`The response of /oauth2/token can't be used: ${fault}`);
  });

  test.each<[string, Reply, string]>([
    ['nothing', {}, 'it is not a JSON object'],
    ['a JSON list', { body: [] }, 'it is not a JSON object'],
    ['JSON null', { body: 'null' }, 'it is not a JSON object'],
    ['a JSON string', { body: `"${TOKEN}"` }, 'it is not a JSON object'],
    ['an HTML page', html, "is not Moov's response (text/html where JSON was expected)"],
    ['text of no type', { body: 'Welcome!' }, "is not Moov's response (no content type where JSON"],
    [
      'half a JSON object',
      { headers: { 'content-type': 'application/json' }, body: `{"access_token":"${TOKEN}"` },
      "is not Moov's response (broken JSON where JSON was expected)",
    ],
    [
      'NaN, which is no JSON',
      { headers: { 'content-type': 'application/json' }, body: '{"access_token":"a","expires_in":NaN}' },
      "is not Moov's response (broken JSON where JSON was expected)",
    ],
    ['201', { ...tokenReply(), status: 201 }, 'has status 201 where 200 was expected'],
    ['204', { status: 204 }, 'has status 204 where 200 was expected'],
  ])('of %s with a 2xx is refused', async (_, reply, fault) => {
    const error = await createFailure(reply);
    expect(error).toBeInstanceOf(MoovTokenError);
    expect(error).toMatchObject({ code: 'ERR_MOOV_TOKEN_REPLY', upstreamStatus: reply.status ?? 200 });
    expect(String(error)).toContain(fault);
  });

  test.each([
    ['plain', (body: string) => ({ body })],
    ['compressed', (body: string) => ({ body: gzipSync(body), headers: { 'content-encoding': 'gzip' } })],
  ])('of 10 MB (%s) is not read to its end', async (_, pack) => {
    const body = JSON.stringify({ access_token: 'a', scope: 'x'.repeat(10_000_000) });
    const error = await createFailure(pack(body));
    expect(error).toBeInstanceOf(MoovUnavailableError);
    expect(error).toMatchObject({ code: 'ERR_MOOV_NETWORK', status: 503 });
    expect(String(error)).toContain('the body is larger than 1048576 bytes');
    expect(String(error).length).toBeLessThan(500);
  });
});

describe('an error in a token response with status 200', () => {
  test('is reported with its description', async () => {
    const error = await createFailure({
      headers: { 'x-request-id': 'req-200' },
      body: { error: 'invalid_scope', error_description: '/ping.write is unknown' },
    });
    expect(error).toBeInstanceOf(MoovTokenError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_TOKEN_REFUSED',
      upstreamStatus: 200,
      requestId: 'req-200',
      message: 'Moov refused the token request (200): invalid_scope: /ping.write is unknown',
    });
  });

  test.each([
    [{ error: 'invalid_scope', access_token: null }, 'ERR_MOOV_TOKEN_REFUSED'],
    [{ error: 'invalid_scope', access_token: '' }, 'ERR_MOOV_TOKEN_REFUSED'],
    [{ error: 'invalid_scope', error_description: null }, 'ERR_MOOV_TOKEN_REFUSED'],
    [{ error: 'invalid_scope', error_description: 7 }, 'ERR_MOOV_TOKEN_REFUSED'],
    [{ error: 'invalid_client' }, 'ERR_MOOV_CREDENTIALS_REFUSED'],
    [{ error: 'temporarily_unavailable' }, 'ERR_MOOV_SERVER_ERROR'],
    [{ error: 'server_error' }, 'ERR_MOOV_SERVER_ERROR'],
    [{ error: '' }, 'ERR_MOOV_TOKEN_REPLY'],
    [{ error: 7 }, 'ERR_MOOV_TOKEN_REPLY'],
  ])('%j', async (body, code) => {
    expect(await createFailure({ body })).toMatchObject({ code });
  });

  test('is not shown next to an unusable token', async () => {
    const error = await createFailure({ body: { error: 'oh', access_token: `a ${TOKEN}` } });
    expect(error).toMatchObject({ code: 'ERR_MOOV_TOKEN_REPLY' });
  });

  test('is ignored next to a valid token', async () => {
    const server = await serve(tokenReply({ error: null, error_description: '' }));
    expect((await clientOf(server.url).createAccessToken(grant)).accessToken).toBe('eyJ.access-token_1');
  });

  test('a refusal is final, and a temporary failure is retried', async () => {
    const refused = await serve({ body: { error: 'invalid_scope' } });
    await rejection(clientOf(refused.url).createAccessToken(grant));
    expect(refused.requests).toHaveLength(1);
    const passing = await serve([{ body: { error: 'temporarily_unavailable' } }, tokenReply()]);
    await clientOf(passing.url).createAccessToken(grant);
    expect(passing.requests).toHaveLength(2);
  });

  test('a revocation failed too: the token is still valid', async () => {
    const error = await revokeFailure({ body: { error: 'unsupported_token_type', error_description: 'no' } });
    expect(error).toBeInstanceOf(MoovRevokeError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_REVOKE_REFUSED',
      message: 'Moov did not revoke the token (200): unsupported_token_type: no',
    });
  });
});

describe('a refused token request', () => {
  test('400 reports the description with the error (RFC 6749 section 5.2)', async () => {
    const body = {
      error: 'invalid_grant',
      error_description: 'The refresh token is revoked.',
      error_uri: 'x',
    };
    expect(await createFailure({ status: 400, body })).toMatchObject({
      code: 'ERR_MOOV_TOKEN_REFUSED',
      message: 'Moov refused the token request (400): invalid_grant: The refresh token is revoked.',
    });
  });

  test('400 reports Moov’s reason', async () => {
    const error = await createFailure({
      status: 400,
      headers: { 'x-request-id': 'req-400' },
      body: { error: 'an Origin or Referer header is required' },
    });
    expect(error).toBeInstanceOf(MoovTokenError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_TOKEN_REFUSED',
      status: 502,
      upstreamStatus: 400,
      requestId: 'req-400',
      message: 'Moov refused the token request (400): an Origin or Referer header is required',
    });
  });

  test.each([401, 403])(
    '%i, which comes without a body, names the options and variables of the key',
    async (status) => {
      const error = await createFailure({ status, headers: { 'x-request-id': 'req-401' } });
      expect(error).toBeInstanceOf(MoovTokenError);
      expect(error).toMatchObject({
        code: 'ERR_MOOV_CREDENTIALS_REFUSED',
        status: 502,
        upstreamStatus: status,
        requestId: 'req-401',
      });
      expect(String(error)).toContain(
        `Moov refused the credentials (${status}): check clientId (MOOV_CLIENT_ID`,
      );
    },
  );

  test('422 reports the invalid fields', async () => {
    const fields = { scope: 'is unknown', refresh_token: 'is revoked' };
    const error = await createFailure({ status: 422, headers: { 'x-request-id': 'req-422' }, body: fields });
    expect(error).toBeInstanceOf(MoovTokenError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_TOKEN_REFUSED',
      upstreamStatus: 422,
      requestId: 'req-422',
      fields,
      message: 'Moov refused the token request (422): scope: is unknown; refresh_token: is revoked',
    });
  });

  test('422 in another form is still a refusal', async () => {
    const error = await createFailure({ status: 422, body: { scope: { code: 7 } } });
    expect(error).toMatchObject({ upstreamStatus: 422, message: 'Moov refused the token request (422)' });
    expect(error).not.toHaveProperty('fields');
  });

  test('Moov’s text is shortened', async () => {
    const long = 'z'.repeat(10_000);
    const single = await createFailure({ status: 400, body: { error: long } });
    expect(String(single)).toMatch(/\(400\): z{300}$/);
    const body = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`field${index}${long}`, long]));
    const several = await createFailure({ status: 422, body });
    expect(several).toMatchObject({ upstreamStatus: 422, fields: expect.any(Object) });
    expect(JSON.stringify(several).length).toBeLessThan(20_000);
  });
});

describe('Moov being unavailable', () => {
  test('429 passes Retry-After on', async () => {
    const error = await createFailure({
      status: 429,
      headers: { 'retry-after': '7', 'x-request-id': 'req-429' },
    });
    expect(error).toBeInstanceOf(MoovUnavailableError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_RATE_LIMITED',
      status: 503,
      upstreamStatus: 429,
      requestId: 'req-429',
      headers: { 'Retry-After': '7' },
    });
    expect(String(error)).toContain("Moov's rate limit was hit (429)");
  });

  test.each<[Record<string, string>, string]>([
    [{ 'retry-after-ms': '1500' }, '2'],
    [{ 'x-retry-in': '2500' }, '3'],
    [{ 'retry-after': 'Tue, 03 Mar 2026 10:00:30 GMT', date: 'Tue, 03 Mar 2026 10:00:00 GMT' }, '30'],
  ])('429 with %j is told in whole seconds as %s', async (headers, seconds) => {
    expect(await createFailure({ status: 429, headers })).toMatchObject({
      headers: { 'Retry-After': seconds },
    });
  });

  test('429 without a valid wait has no Retry-After', async () => {
    expect(await createFailure({ status: 429 })).not.toHaveProperty('headers');
    const nonsense = await createFailure({ status: 429, headers: { 'retry-after': 'soon' } });
    expect(nonsense).not.toHaveProperty('headers');
  });

  test.each([500, 502, 503, 504, 599])('%i', async (status) => {
    const headers = { 'x-request-id': 'req-5xx' };
    const error = await createFailure({ status, headers, body: { error: 'internal' } });
    expect(error).toBeInstanceOf(MoovUnavailableError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_SERVER_ERROR',
      status: 503,
      upstreamStatus: status,
      requestId: 'req-5xx',
      message: `Moov failed (${status}): internal`,
    });
  });

  test('an HTML page with 502 is named as not Moov’s', async () => {
    const error = await createFailure({ ...html, status: 502 });
    expect(error).toMatchObject({ code: 'ERR_MOOV_SERVER_ERROR', requestId: 'req-9' });
    expect(String(error)).toContain('Moov failed (502): the response is not from Moov (text/html)');
    expect(String(error)).not.toContain('Wartung');
  });

  test.each<[string, Answer, RegExp]>([
    ['a truncated body', 'truncate', /gave no complete response: .*(aborted|ECONNRESET)/],
    ['a connection that is cut', 'drop', /gave no complete response: ECONNRESET/],
  ])('%s', async (_, answer, message) => {
    for (const error of [await createFailure(answer), await revokeFailure(answer)]) {
      expect(error).toBeInstanceOf(MoovUnavailableError);
      expect(error).toMatchObject({ code: 'ERR_MOOV_NETWORK', status: 503 });
      expect(String(error)).toMatch(message);
    }
  });

  test('a refused connection has the system’s error code as its cause', async () => {
    const client = clientOf(await refusingURL());
    for (const call of [
      client.createAccessToken(grant, once),
      client.revokeAccessToken({ token: TOKEN }, once),
    ]) {
      const error = await rejection(call);
      expect(error).toBeInstanceOf(MoovUnavailableError);
      expect(error).toMatchObject({ code: 'ERR_MOOV_NETWORK', cause: { code: 'ECONNREFUSED' } });
      expect(String(error)).toMatch(/oauth2\/(token|revoke) gave no complete response: ECONNREFUSED/);
      expectNoSecret(error, ...NOT_SHOWN);
    }
  });

  test.each<Answer>(['hang', 'stall'])('a server that %ss is given up after timeoutMs', async (answer) => {
    fastClock();
    const server = await serve(answer);
    const began = performance.now();
    const client = clientOf(server.url, { timeoutMs: 1_000 });
    for (const call of [client.createAccessToken(grant), client.revokeAccessToken({ token: TOKEN })]) {
      const error = await rejection(call);
      expect(error).toBeInstanceOf(MoovUnavailableError);
      expect(error).toMatchObject({
        code: 'ERR_MOOV_TIMEOUT',
        status: 503,
        message: 'Moov gave no response within 1000 ms',
      });
      expectNoSecret(error, ...NOT_SHOWN);
    }
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(server.requests).toHaveLength(2);
  });
});

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308])(
    '%i is not followed, and the key goes nowhere else',
    async (status) => {
      const elsewhere = await serve(tokenReply());
      const server = await serve({
        status,
        headers: { location: `${elsewhere.url}/oauth2/token`, 'x-request-id': 'req-3xx' },
      });
      const client = clientOf(server.url);
      for (const call of [client.createAccessToken(grant), client.revokeAccessToken({ token: TOKEN })]) {
        const error = await rejection(call);
        expect(error).toBeInstanceOf(MoovOriginError);
        expect(error).toMatchObject({
          code: 'ERR_MOOV_ORIGIN',
          status: 500,
          upstreamStatus: status,
          requestId: 'req-3xx',
        });
        expect(String(error)).toContain(`redirect (${status}), which is not followed. Check baseURL`);
        expectNoSecret(error, ...NOT_SHOWN);
      }
      expect(server.requests).toHaveLength(2);
      expect(elsewhere.requests).toEqual([]);
    },
  );
});

describe('revocation', () => {
  test.each<[string, Reply]>([
    ['204', { status: 204 }],
    ['200 without a body', { status: 200 }],
    ['200 with JSON', { status: 200, body: {} }],
    ['202', { status: 202 }],
  ])('succeeds with %s', async (_, reply) => {
    const server = await serve(reply);
    await expect(clientOf(server.url).revokeAccessToken({ token: TOKEN })).resolves.toBeUndefined();
    expect(server.requests).toHaveLength(1);
  });

  test('an HTML page with 200 is from a gateway, and the token stays valid', async () => {
    const error = await revokeFailure(html);
    expect(error).toBeInstanceOf(MoovUnavailableError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_SERVER_ERROR',
      status: 503,
      upstreamStatus: 200,
      requestId: 'req-9',
      message: 'A gateway in front of Moov answered (200): the response is not from Moov (text/html)',
    });
  });

  test('400 and 422 report Moov’s reason', async () => {
    const single = await revokeFailure({ status: 400, body: { error: 'token is required' } });
    expect(single).toBeInstanceOf(MoovRevokeError);
    expect(single).toMatchObject({
      code: 'ERR_MOOV_REVOKE_REFUSED',
      upstreamStatus: 400,
      message: 'Moov did not revoke the token (400): token is required',
    });
    const fields = { token: 'is too long', token_type_hint: 'is unknown' };
    const several = await revokeFailure({
      status: 422,
      headers: { 'x-request-id': 'req-422' },
      body: fields,
    });
    expect(several).toBeInstanceOf(MoovRevokeError);
    expect(several).toMatchObject({ upstreamStatus: 422, requestId: 'req-422', fields });
  });

  test.each([401, 403])('%i is about the key', async (status) => {
    const error = await revokeFailure({ status });
    expect(error).toBeInstanceOf(MoovRevokeError);
    expect(error).toMatchObject({
      code: 'ERR_MOOV_CREDENTIALS_REFUSED',
      status: 502,
      upstreamStatus: status,
      message: `Moov refused the credentials of the revocation (${status})`,
    });
  });

  test.each([
    [429, 'ERR_MOOV_RATE_LIMITED'],
    [500, 'ERR_MOOV_SERVER_ERROR'],
    [504, 'ERR_MOOV_SERVER_ERROR'],
  ])('%i is no refusal but unavailability', async (status, code) => {
    const error = await revokeFailure({ status, headers: { 'retry-after': '3' } });
    expect(error).toBeInstanceOf(MoovUnavailableError);
    expect(error).toMatchObject({
      code,
      status: 503,
      upstreamStatus: status,
      headers: { 'Retry-After': '3' },
    });
  });
});

describe('a server that echoes the request', () => {
  /** Everything of the request, in both forms of a refusal. */
  const echo =
    (status: number, form: 'error' | 'fields', padding = '') =>
    ({ headers, body, form: fields }: Received): Reply => {
      const all = [headers.authorization, body, ...Object.values(fields), KEY.clientSecret].join(' | ');
      return {
        status,
        body:
          form === 'error' ? { error: padding + all } : { [`${padding}${all}`]: all, scope: padding + all },
      };
    };

  test.each([400, 401, 403, 422, 429, 500])('%i: no form of a secret is in the error', async (status) => {
    for (const form of ['error', 'fields'] as const) {
      expect(await createFailure(echo(status, form))).toBeInstanceOf(MoovAuthError);
      expect(await revokeFailure(echo(status, form))).toBeInstanceOf(MoovAuthError);
    }
  });

  test('shortening does not leave half of a secret', async () => {
    for (let length = 250; length <= 300; length += 5) {
      const error = await createFailure({ status: 400, body: { error: 'z'.repeat(length) + REFRESH } });
      expect(String(error)).not.toContain(REFRESH.slice(0, 8));
      const other = await createFailure({ status: 422, body: { scope: 'z'.repeat(length) + REFRESH } });
      expect(String(other)).not.toContain(REFRESH.slice(0, 8));
    }
  });

  test('in its content type', async () => {
    const reply: Reply = { headers: { 'content-type': `x/${BASIC}` }, body: 'no JSON' };
    expect(String(await createFailure(reply))).toContain("is not Moov's response");
    expect(String(await revokeFailure(reply))).toContain('not from Moov');
    expect(String(await createFailure({ ...reply, status: 502 }))).toContain('not from Moov');
  });

  test('with the key in the body', async () => {
    const server = await serve(echo(400, 'error'));
    const client = clientOf(server.url, { clientAuth: 'body' });
    const error = await rejection(client.createAccessToken(grant));
    expect(error).toMatchObject({ code: 'ERR_MOOV_TOKEN_REFUSED' });
    expectNoSecret(error, ...NOT_SHOWN);
  });
});

test('a client shows neither its key nor the tokens it has seen', async () => {
  const server = await serve([
    tokenReply({ access_token: 'abcdef', refresh_token: 'ghijkl' }),
    { status: 204 },
  ]);
  const client = clientOf(server.url);
  await client.createAccessToken(grant);
  await client.revokeAccessToken({ token: TOKEN });
  expectNoSecret(client, ...NOT_SHOWN, 'abcdef', 'ghijkl');
});
