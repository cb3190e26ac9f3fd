import { Readable } from 'node:stream';
import axios, { type AxiosRequestConfig } from 'axios';
import express5, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import {
  type MoovAuth,
  MoovConfigError,
  type MoovErrorHandlerOptions,
  MoovOriginError,
  MoovReplayError,
  MoovRevokeError,
  MoovScopeError,
  MoovTokenError,
  MoovUnavailableError,
  moovErrorHandler,
} from '../../src/index.js';
import { appOf, expressVersions, listen } from '../helpers/apps.js';
import { fastClock, heldClock } from '../helpers/fast-clock.js';
import { failure, startMoov, startSandbox, until } from '../helpers/moov.js';

type Handler = (req: Request, res: Response) => Promise<unknown>;

/** The form for both versions of Express: 4 does not see that an async handler rejects, so its catch tells it. */
function catching(handler: Handler): RequestHandler {
  return (req, res, next) => {
    handler(req, res).catch(next);
  };
}

const always = { path: '/ping', times: Number.POSITIVE_INFINITY };
const ping: Handler = async (req, res) => res.json((await req.moov.get('/ping')).data);

describe.each(expressVersions)('moovErrorHandler on $name', ({ express }) => {
  /** An app with one route, this package's error handler, and one of the application's own behind it. */
  function appWith(moov: MoovAuth, handler: Handler, options?: MoovErrorHandlerOptions) {
    const passedOn: unknown[] = [];
    const own: ErrorRequestHandler = (error, _req, res, next) => {
      passedOn.push(error);
      if (res.headersSent) next(error);
      else res.status(500).send("the application's own");
    };
    const app = appOf(express, moov);
    app.get('/', catching(handler));
    // Tests run with NODE_ENV=test, where messages are shown.
    app.use(moovErrorHandler({ exposeMessage: false, ...options }), own);
    return { app, passedOn };
  }

  describe('failed calls of req.moov', () => {
    test.each([
      [400, 400, 'Bad Request', 'ERR_MOOV_BAD_REQUEST'],
      [404, 404, 'Not Found', 'ERR_MOOV_NOT_FOUND'],
      [409, 409, 'Conflict', 'ERR_MOOV_CONFLICT'],
      [422, 422, 'Unprocessable Content', 'ERR_MOOV_VALIDATION'],
      [429, 429, 'Too Many Requests', 'ERR_MOOV_RATE_LIMITED'],
      // These are between the host server and Moov; the end user is neither to log in again nor to learn of it.
      [401, 502, 'Bad Gateway', 'ERR_MOOV_UNAUTHORIZED'],
      [403, 502, 'Bad Gateway', 'ERR_MOOV_FORBIDDEN'],
      [302, 502, 'Bad Gateway', 'ERR_MOOV_REDIRECT'],
      [402, 502, 'Bad Gateway', 'ERR_MOOV_REFUSED'],
      [405, 502, 'Bad Gateway', 'ERR_MOOV_REFUSED'],
      [415, 502, 'Bad Gateway', 'ERR_MOOV_REFUSED'],
      [500, 502, 'Bad Gateway', 'ERR_MOOV_SERVER_ERROR'],
      [503, 503, 'Service Unavailable', 'ERR_MOOV_SERVER_ERROR'],
      [504, 502, 'Bad Gateway', 'ERR_MOOV_SERVER_ERROR'],
    ])("Moov's %i is answered with %i", async (upstream, status, title, code) => {
      const { sandbox, moov } = await startMoov({ retries: 0, rateLimit: false });
      const headers = { 'x-request-id': 'for-the-support', 'www-authenticate': 'Bearer realm="moov"' };
      sandbox.fail({ ...always, status: upstream, headers, body: { error: 'of account 123' } });
      const { app, passedOn } = appWith(moov, ping);
      const response = await supertest(app).get('/');
      expect(response.status).toBe(status);
      expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(response.headers['cache-control']).toBe('no-store');
      expect(response.headers['www-authenticate']).toBeUndefined();
      expect(response.body).toEqual({
        type: 'about:blank',
        status,
        title,
        code,
        requestId: 'for-the-support',
      });
      expect(passedOn).toEqual([]);
    });

    test.each([
      ['seconds', { 'retry-after': '7' }, '7'],
      [
        'a date',
        { date: 'Sun, 06 Nov 1994 08:49:30 GMT', 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' },
        '7',
      ],
      ["milliseconds, as in Moov's older documents", { 'x-retry-in': '6100' }, '7'],
    ])('429 says when to come back, whether Moov gave %s', async (_what, headers, retryAfter) => {
      const { sandbox, moov } = await startMoov({ retries: 0, rateLimit: false });
      sandbox.fail({ ...always, status: 429, headers });
      const response = await supertest(appWith(moov, ping).app).get('/');
      expect(response.status).toBe(429);
      expect(response.headers['retry-after']).toBe(retryAfter);
    });

    test("503 says when to come back, if Moov's 503 does", async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ ...always, status: 503, headers: { 'retry-after': '7' } });
      const response = await supertest(appWith(moov, ping).app).get('/');
      expect(response.status).toBe(503);
      expect(response.headers['retry-after']).toBe('7');
    });

    test.each([
      ['401', 401, 502],
      ['404', 404, 404],
      ['500', 500, 502],
    ])('a Retry-After of %s is not passed on: it is of another matter', async (_what, upstream, status) => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ ...always, status: upstream, headers: { 'retry-after': '7' } });
      const response = await supertest(appWith(moov, ping).app).get('/');
      expect(response.status).toBe(status);
      expect(response.headers).not.toHaveProperty('retry-after');
    });

    test("502 for a write with unknown outcome after Moov's 503, so that clients do not repeat it", async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      const create: Handler = (req) => req.moov.post('/accounts', { accountType: 'individual' });
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after': '7' } });
      const response = await supertest(appWith(moov, create).app).get('/');
      expect(response.status).toBe(502);
      expect(response.body).toMatchObject({ ambiguous: true });
      expect(response.headers).not.toHaveProperty('retry-after');
    });

    test.each([
      { axiosCode: 'ECONNABORTED', options: {} },
      { axiosCode: 'ETIMEDOUT', options: { axios: { transitional: { clarifyTimeoutError: true } } } },
    ])('504 when the time is up: $axiosCode', async ({ options }) => {
      fastClock();
      const { sandbox, moov } = await startMoov({ ...options, retries: 0, timeoutMs: 1_000 });
      await moov.ready();
      sandbox.fail({ ...always, delayMs: 60_000 });
      const response = await supertest(appWith(moov, ping).app).get('/');
      expect(response.status).toBe(504);
      expect(response.body).toEqual({
        type: 'about:blank',
        status: 504,
        title: 'Gateway Timeout',
        code: 'ERR_MOOV_TIMEOUT',
      });
    });

    test('504 when the time is up while the call waits for a token', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0, timeoutMs: 100 });
      sandbox.fail({ path: '/oauth2/token', delayMs: 60_000, times: Number.POSITIVE_INFINITY });
      const response = await supertest(appWith(moov, ping).app).get('/');
      expect(response.status).toBe(504);
    });

    const create: Handler = (req) => req.moov.post('/accounts', { accountType: 'individual' });

    test.each([
      ['a read', ping],
      ['a write', create],
    ])('503 when there is no connection for %s, as when there is no token', async (_what, handler) => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      await moov.ready();
      await sandbox.close();
      const response = await supertest(appWith(moov, handler).app).get('/');
      expect(response.status).toBe(503);
      expect(response.body).toMatchObject({ title: 'Service Unavailable', code: 'ERR_MOOV_NETWORK' });
    });

    test.each(['ENOTFOUND', 'EHOSTDOWN', 'EPIPE', 'EPROTO', 'SELF_SIGNED_CERT_IN_CHAIN'])(
      '503 when Moov is out of reach: %s',
      async (code) => {
        const sandbox = await startSandbox();
        const { port } = new URL(sandbox.url);
        const { moov } = await startMoov({
          ...sandbox.options,
          retries: 0,
          baseURL: `http://localhost:${port}`,
        });
        await moov.ready();
        const lookup: AxiosRequestConfig['lookup'] = (_hostname, _options, callback) =>
          callback(Object.assign(new Error('out of reach'), { code }), '');
        const unreachable: Handler = (req) => req.moov.get('/ping', { lookup });
        const response = await supertest(appWith(moov, unreachable).app).get('/');
        expect(response.status).toBe(503);
        expect(response.body).toMatchObject({ code: 'ERR_MOOV_NETWORK' });
      },
    );

    test('503 when the connection of a read is cut', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ ...always, drop: 'after' });
      const response = await supertest(appWith(moov, ping).app).get('/');
      expect(response.status).toBe(503);
      expect(response.body).toMatchObject({ code: 'ERR_MOOV_NETWORK' });
    });

    test('502 for a response that is too large', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ ...always, status: 500, body: { error: 'at length' } });
      const tooLarge: Handler = (req) => req.moov.get('/ping', { maxContentLength: 1 });
      const response = await supertest(appWith(moov, tooLarge).app).get('/');
      expect(response.status).toBe(502);
      expect(response.body).toMatchObject({ code: 'ERR_MOOV_RESPONSE' });
    });

    describe('502 for a write that Moov may have acted on, so that clients do not repeat it', () => {
      const unknown = { title: 'Bad Gateway', ambiguous: true };
      const pay = (moov: MoovAuth) =>
        moov.client.post('/accounts', { accountType: 'business' }, { headers: { 'X-Idempotency-Key': 'k' } });

      test.each([404, 422, 429, 503])(
        'when a call of an interceptor fails with %i after its response',
        async (status) => {
          const { sandbox, moov } = await startMoov({
            retries: 0,
            rateLimit: false,
            configure: (client) => {
              client.interceptors.response.use(async (response) => {
                if (response.config.method === 'post') await moov.client.get('/ping');
                return response;
              });
            },
          });
          sandbox.fail({ path: '/accounts', status: 201, body: { accountID: 'a' } });
          sandbox.fail({ ...always, status, headers: { 'retry-after': '7' } });
          const handler: Handler = (req) => req.moov.post('/accounts', {});
          const response = await supertest(appWith(moov, handler).app).get('/');
          expect([response.status, response.headers['retry-after']]).toEqual([502, undefined]);
          expect(response.body).toMatchObject({ ...unknown, code: 'ERR_MOOV_CALL' });
        },
      );

      test('when there is no token for a second attempt', async () => {
        const { sandbox, moov } = await startMoov({ retries: 1 });
        await moov.ready();
        sandbox.fail({ path: '/accounts', drop: 'after' });
        sandbox.fail({ path: '/accounts', status: 401 });
        sandbox.fail({
          path: '/oauth2/token',
          status: 503,
          headers: { 'retry-after': '60' },
          times: Number.POSITIVE_INFINITY,
        });
        const response = await supertest(appWith(moov, () => pay(moov)).app).get('/');
        expect([response.status, response.headers['retry-after']]).toEqual([502, undefined]);
        expect(response.body).toMatchObject(unknown);
      });

      test.each([false, 'adaptive'] as const)(
        'when the rate limit refuses a second attempt, with rateLimit: %s',
        async (rateLimit) => {
          const { sandbox, moov } = await startMoov({ retries: 1, rateLimit, timeoutMs: 5_000 });
          await moov.ready();
          sandbox.fail({ path: '/accounts', drop: 'after' });
          sandbox.fail({ path: '/accounts', status: 429, headers: { 'retry-after': '30' }, times: 9 });
          const response = await supertest(appWith(moov, () => pay(moov)).app).get('/');
          expect([response.status, response.headers['retry-after']]).toEqual([502, undefined]);
          expect(response.body).toMatchObject({ ...unknown, code: 'ERR_MOOV_RATE_LIMITED' });
        },
      );

      test('when close() ends it', async () => {
        fastClock();
        const { sandbox, moov } = await startMoov({ attemptTimeoutMs: 60_000, timeoutMs: 60_000 });
        await moov.ready();
        sandbox.fail({ path: '/accounts', delayMs: 120_000 });
        const answered = supertest(appWith(moov, (req) => req.moov.post('/accounts', {})).app)
          .get('/')
          .then((response) => response);
        await until(() => sandbox.requests.some(({ path }) => path === '/accounts'), 'the call has arrived');
        await moov.close();
        const { status, headers, body } = await answered;
        expect([status, headers['retry-after']]).toEqual([502, undefined]);
        expect(body).toMatchObject({ ...unknown, code: 'ERR_MOOV_CLOSED' });
      });
    });

    test('502 when the connection of a write is cut, and whether Moov may have acted', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ path: '/accounts', drop: 'after' });
      const response = await supertest(appWith(moov, create).app).get('/');
      expect(response.status).toBe(502);
      expect(response.body).toMatchObject({
        title: 'Bad Gateway',
        code: 'ERR_MOOV_NETWORK',
        ambiguous: true,
      });
    });
  });

  describe("Moov's body", () => {
    const refusal = { error: 'no such account', accountID: '123' };
    async function respond(
      options: MoovErrorHandlerOptions | undefined,
      {
        body,
        headers,
        config,
      }: { body?: object | string; headers?: Record<string, string>; config?: AxiosRequestConfig },
    ) {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({
        ...always,
        status: 404,
        ...(headers === undefined ? {} : { headers }),
        ...(body === undefined ? {} : { body }),
      });
      const { app } = appWith(moov, (req) => req.moov.get('/ping', config), options);
      return supertest(app).get('/');
    }

    test.each([undefined, {}, { exposeUpstream: false }, { exposeUpstream: undefined }])(
      'is not shown with %o',
      async (options) => {
        const response = await respond(options, { body: refusal });
        expect(response.status).toBe(404);
        expect(response.body).not.toHaveProperty('upstream');
        expect(response.text).not.toContain('no such account');
      },
    );

    test.each([
      { what: 'JSON', body: refusal, upstream: refusal },
      { what: 'text', body: 'no such account', upstream: 'no such account' },
      { what: 'nothing', body: undefined, upstream: '' },
    ])('is shown with exposeUpstream: $what', async ({ body, upstream }) => {
      const response = await respond({ exposeUpstream: true }, body === undefined ? {} : { body });
      expect(response.status).toBe(404);
      expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(response.body).toMatchObject({ type: 'about:blank', status: 404, upstream });
    });

    test.each(['stream', 'arraybuffer'] as const)(
      'is not shown, even so, when the call asked for bytes: %s',
      async (responseType) => {
        const response = await respond({ exposeUpstream: true }, { body: refusal, config: { responseType } });
        expect(response.status).toBe(404);
        expect(response.body).toMatchObject({ type: 'about:blank', status: 404, title: 'Not Found' });
        expect(response.body).not.toHaveProperty('upstream');
      },
    );

    test('a time-out has no upstream body', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0, timeoutMs: 100 });
      await moov.ready();
      sandbox.fail({ ...always, delayMs: 60_000 });
      const response = await supertest(appWith(moov, ping, { exposeUpstream: true }).app).get('/');
      expect(response.status).toBe(504);
      expect(response.body).not.toHaveProperty('upstream');
    });
  });

  describe("this package's errors", () => {
    const ofPackage = [
      new MoovConfigError('the message of a configuration mistake'),
      new MoovTokenError('the message of a refusal', {
        code: 'ERR_MOOV_CREDENTIALS_REFUSED',
        upstreamStatus: 401,
        headers: { 'Retry-After': '60' },
      }),
      new MoovUnavailableError('the message of an outage', {
        code: 'ERR_MOOV_NETWORK',
        headers: { 'Retry-After': '2' },
      }),
      new MoovRevokeError('the message of a revocation', {
        code: 'ERR_MOOV_REVOKE_REFUSED',
        upstreamStatus: 400,
      }),
      new MoovOriginError('the message of a wrong URL'),
      new MoovReplayError('the message of a used stream'),
    ];
    const statuses: Readonly<Record<string, number>> = {
      MoovConfigError: 500,
      MoovTokenError: 502,
      MoovUnavailableError: 503,
      MoovRevokeError: 502,
      MoovScopeError: 400,
      MoovOriginError: 500,
      MoovReplayError: 500,
    };

    test.each(ofPackage)(
      '$name has its own status and headers, and its message stays here',
      async (error) => {
        const { moov } = await startMoov();
        const { app } = appWith(moov, () => Promise.reject(error));
        const response = await supertest(app).get('/');
        expect(response.status).toBe(statuses[error.name]);
        expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
        expect(response.headers['retry-after']).toBe(error.headers?.['Retry-After']);
        expect(response.body).toEqual({
          type: 'about:blank',
          status: statuses[error.name],
          title: expect.stringMatching(/^[A-Z]/),
          code: error.code,
        });
      },
    );

    test('MoovScopeError has a detail, because the client caused it', async () => {
      const { moov } = await startMoov();
      const { app } = appWith(moov, () => Promise.reject(new MoovScopeError('"a b" is no scope')));
      const response = await supertest(app).get('/');
      expect(response.status).toBe(400);
      expect(response.body).toEqual({
        type: 'about:blank',
        status: 400,
        title: 'Bad Request',
        code: 'ERR_MOOV_SCOPE',
        detail: '"a b" is no scope',
      });
    });

    test('503 with Retry-After while no token is available', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/oauth2/token', status: 503, headers: { 'retry-after': '60' } });
      const response = await supertest(appWith(moov, ping).app).get('/');
      expect(response.status).toBe(503);
      expect(response.headers['retry-after']).toBe('60');
      expect(response.body).toMatchObject({ title: 'Service Unavailable', code: 'ERR_MOOV_SERVER_ERROR' });
    });

    test('502 with Retry-After while Moov refuses the key', async () => {
      const { moov } = await startMoov({ clientSecret: 'another key' });
      const response = await supertest(appWith(moov, ping).app).get('/');
      expect(response.status).toBe(502);
      expect(response.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      expect(response.body).toMatchObject({ title: 'Bad Gateway', code: 'ERR_MOOV_CREDENTIALS_REFUSED' });
    });

    test('500 for a call that would have left Moov', async () => {
      const { moov } = await startMoov();
      const { app } = appWith(moov, (req) => req.moov.get('https://evil.example/'));
      const response = await supertest(app).get('/');
      expect(response.status).toBe(500);
      expect(response.body).toMatchObject({ code: 'ERR_MOOV_ORIGIN' });
      expect(response.text).not.toContain('evil.example');
    });

    test('500 for a body that cannot be sent again', async () => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.expireTokens();
      const { app } = appWith(moov, (req) => req.moov.post('/accounts', Readable.from(['{}'])));
      const response = await supertest(app).get('/');
      expect(response.status).toBe(500);
      expect(response.body).toMatchObject({ code: 'ERR_MOOV_REPLAY' });
    });

    test.each([...ofPackage, new MoovScopeError('"a b" is no scope')])(
      "$name: Express's own handler answers with the same status and headers, where there is no other",
      async (error) => {
        const app = appOf(express, (_req, _res, next) => next(error));
        const response = await supertest(app).get('/');
        expect(response.status).toBe(statuses[error.name]);
        expect(response.headers['retry-after']).toBe(error.headers?.['Retry-After']);
      },
    );

    test("Express's own handler: 503 with Retry-After while no token is available", async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/oauth2/token', status: 503, headers: { 'retry-after': '60' } });
      const response = await supertest(appOf(express, moov, catching(ping))).get('/');
      expect(response.status).toBe(503);
      expect(response.headers['retry-after']).toBe('60');
    });
  });

  describe('errors of others go to the next handler, unchanged', () => {
    test.each([
      ['an error', new Error('of the application')],
      ['an error with a status', Object.assign(new Error('teapot'), { status: 418 })],
      ['a string', 'of the application'],
      ['an error that says it is of Axios', Object.assign(new Error('no'), { isAxiosError: true })],
      [
        'an error with a property called moov',
        Object.assign(new Error('no'), { moov: { attempts: 1, ambiguous: false } }),
      ],
    ])('%s', async (_what, error) => {
      const { moov } = await startMoov();
      const { app, passedOn } = appWith(moov, () => Promise.reject(error));
      const response = await supertest(app).get('/');
      expect(response.text).toBe("the application's own");
      expect(passedOn).toEqual([error]);
      expect(passedOn[0]).toBe(error);
    });

    test.each([
      { what: 'a refusal', status: 404 },
      { what: 'a 401', status: 401 },
    ])('an error of a bare axios call, to Moov even: $what', async ({ status }) => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ ...always, status });
      const { app, passedOn } = appWith(moov, () => axios.get(`${sandbox.url}/ping`));
      const response = await supertest(app).get('/');
      expect(response.text).toBe("the application's own");
      expect(passedOn).toEqual([expect.objectContaining({ isAxiosError: true, status })]);
    });

    test('an error of another axios instance without a response', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ ...always, drop: 'before' });
      const { app, passedOn } = appWith(moov, () => axios.create({ baseURL: sandbox.url }).get('/ping'));
      const response = await supertest(app).get('/');
      expect(response.text).toBe("the application's own");
      expect(passedOn).toEqual([expect.objectContaining({ isAxiosError: true, code: 'ECONNRESET' })]);
    });
  });

  test.each(['a call', 'this package'])(
    'a reply that has begun can only be broken off, so an error of %s goes on to the next handler',
    async (of) => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ ...always, status: 404 });
      const { app, passedOn } = appWith(moov, async (req, res) => {
        res.write('half of ');
        await req.moov.get(of === 'a call' ? '/ping' : 'https://evil.example/');
      });
      const response = await fetch(`http://127.0.0.1:${await listen(app)}/`);
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow('terminated');
      expect(passedOn).toEqual([
        expect.objectContaining({ name: of === 'a call' ? 'AxiosError' : 'MoovOriginError' }),
      ]);
    },
  );

  test('a handler reaches it with a catch, or with next', async () => {
    const { sandbox, moov } = await startMoov({ retries: 0 });
    sandbox.fail({ ...always, status: 404 });
    const app = appOf(express, moov);
    app.get('/catch', (req, res, next) => {
      req.moov
        .get('/ping')
        .then(({ data }) => res.json(data))
        .catch(next);
    });
    app.get('/await', async (req, res, next) => {
      try {
        res.json((await req.moov.get('/ping')).data);
      } catch (error) {
        next(error);
      }
    });
    app.use(moovErrorHandler());
    for (const path of ['/catch', '/await']) {
      const response = await supertest(app).get(path);
      expect(response.status).toBe(404);
      expect(response.type).toBe('application/problem+json');
    }
  });

  test("no response contains a token or the key, by this handler or by Express's own", async () => {
    // A revocation in each round has a token of its own to revoke, and tokens are requested one a second.
    const pass = heldClock();
    const { sandbox, moov } = await startMoov({ retries: 0, timeoutMs: 100 });
    const { clientId, clientSecret } = sandbox.credentials;
    const token = await moov.accessToken();
    const failures: Handler[] = [
      (req) => req.moov.get('/ping'),
      (req) => req.moov.get('/ping', { responseType: 'stream' }),
      (req) => req.moov.get('https://evil.example/'),
      (req) => req.moov.get('/ping', { headers: { Authorization: 'Bearer mine' } }),
      async () => {
        // Without a token of its own to revoke it would not reject.
        await moov.accessToken();
        await moov.revoke();
      },
    ];
    for (const status of [400, 401, 403, 404, 500]) sandbox.fail({ ...always, status, times: 4 });
    sandbox.fail({ ...always, drop: 'before', times: 4 });
    sandbox.fail({ ...always, delayMs: 60_000 });
    sandbox.fail({ path: '/oauth2/revoke', status: 401, times: Number.POSITIVE_INFINITY });
    let replies = 0;
    for (const handlers of [[moovErrorHandler({ exposeUpstream: true })], []]) {
      for (const handler of [...failures, ...failures, ...failures]) {
        pass(1_000);
        const app = appOf(express, moov, catching(handler));
        for (const errorHandler of handlers) app.use(errorHandler);
        const response = await supertest(app).get('/');
        expect(response.status).toBeGreaterThanOrEqual(400);
        const shown = response.text + JSON.stringify(response.headers);
        const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
        for (const secret of [token, clientSecret, clientId, basic, 'Bearer'])
          expect(shown).not.toContain(secret);
        replies += 1;
      }
    }
    expect(replies).toBe(30);
  });
});

test('on Express 5 a handler needs nothing to reach it', async () => {
  const { sandbox, moov } = await startMoov({ retries: 0 });
  sandbox.fail({ ...always, status: 404 });
  const app = appOf(express5, moov);
  app.get('/', async (req, res) => {
    res.json((await req.moov.get('/ping')).data);
  });
  app.use(moovErrorHandler());
  const response = await supertest(app).get('/');
  expect(response.status).toBe(404);
  expect(response.type).toBe('application/problem+json');
});

describe('whatever it is given, it does not throw, and the end user gets a response', () => {
  const throwing = (): never => {
    throw new Error('of a getter');
  };

  /** An app whose errors are changed before they reach the handler. */
  async function changed(
    change: (error: Error & Record<string, unknown>, res: Response) => unknown,
    upstream: { status: number; headers?: Record<string, string>; body?: object | string } = { status: 404 },
  ) {
    const { sandbox, moov } = await startMoov({ retries: 0, rateLimit: false });
    sandbox.fail({ ...always, ...upstream });
    const passedOn: unknown[] = [];
    const app = appOf(express5, moov);
    app.get('/', async (req, res) => {
      const error = await failure(req.moov.get('/ping'));
      throw change(error, res) ?? error;
    });
    const own: ErrorRequestHandler = (error, _req, res, _next) => {
      passedOn.push(error);
      if (!res.headersSent) res.status(500).send("the application's own");
    };
    app.use(moovErrorHandler({ exposeUpstream: true }), own);
    return { response: await supertest(app).get('/'), passedOn };
  }

  test.each(['response', 'moov', 'cause', 'config', 'code', 'name'])(
    'a getter of a call’s error that throws: %s',
    async (name) => {
      const { response, passedOn } = await changed((error) => {
        Object.defineProperty(error, name, { get: throwing, configurable: true });
      });
      expect(response.type).toBe('application/problem+json');
      expect([404, 502]).toContain(response.status);
      // What can't be read is unknown.
      if (response.status === 502) expect(response.body).toMatchObject({ ambiguous: true });
      expect(passedOn).toEqual([]);
    },
  );

  test.each(['status', 'headers', 'message', 'requestId'])(
    'a getter of this package’s error that throws: %s',
    async (name) => {
      const { response, passedOn } = await changed(() =>
        Object.defineProperty(new MoovOriginError('no'), name, { get: throwing }),
      );
      expect(response.type).toBe('application/problem+json');
      expect(response.status).toBeGreaterThanOrEqual(500);
      expect(passedOn).toEqual([]);
    },
  );

  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  test.each([
    ['a BigInt', { value: 1n }],
    ['a cycle', cyclic],
    ['a toJSON that throws', { toJSON: throwing }],
    ['a getter that throws', Object.defineProperty({}, 'a', { get: throwing, enumerable: true })],
  ])('a body that can’t be shown is left out: %s', async (_what, data) => {
    const { response } = await changed((error) => {
      Object.assign(Object(error.response), { data });
    });
    expect(response.status).toBe(404);
    expect(response.body).toMatchObject({ status: 404, title: 'Not Found', code: 'ERR_MOOV_NOT_FOUND' });
    expect(response.body).not.toHaveProperty('upstream');
  });

  test.each([0, 99, 200, 999, 1e9, Number.NaN, -1, 502.5, '502', null])(
    'a status of %j is 500',
    async (status) => {
      const { response } = await changed(() =>
        Object.defineProperty(new MoovOriginError('no'), 'status', { value: status }),
      );
      expect(response.status).toBe(500);
      expect(response.body).toMatchObject({ status: 500, code: 'ERR_MOOV_ORIGIN' });
    },
  );

  test.each(['позже', 'a\r\nSet-Cookie: b=c', '\u0000'])(
    'a header that can’t be sent costs no other: %j',
    async (value) => {
      const headers = { 'X-First': value, 'Retry-After': '7', 'bad name': 'x' };
      const { response } = await changed(
        () => new MoovUnavailableError('no', { code: 'ERR_MOOV_NETWORK', headers }),
      );
      expect(response.status).toBe(503);
      expect(response.headers['retry-after']).toBe('7');
      expect(response.headers).not.toHaveProperty('x-first');
      expect(response.headers).not.toHaveProperty('set-cookie');
    },
  );

  test('an invalid Retry-After from Moov', async () => {
    const upstream = { status: 429, headers: { 'retry-after': 'bald' } };
    const { response } = await changed(() => undefined, upstream);
    expect(response.status).toBe(429);
    expect(response.headers).not.toHaveProperty('retry-after');
  });

  test('Express’s own methods of the response, replaced by the application', async () => {
    const { response } = await changed((_error, res) => {
      for (const name of ['status', 'set', 'type', 'send', 'json']) Object.assign(res, { [name]: throwing });
    });
    expect(response.status).toBe(404);
    expect(response.type).toBe('application/problem+json');
  });

  test('a response that can’t be written goes to the next handler, once', async () => {
    const { passedOn, response } = await changed((_error, res) => {
      const { setHeader } = res;
      res.setHeader = (name, value) => {
        if (name === 'Cache-Control') throw new Error('frozen');
        return setHeader.call(res, name, value);
      };
    });
    expect(passedOn).toHaveLength(1);
    expect(response.text).toBe("the application's own");
  });

  test.each([
    undefined,
    null,
    0,
    '',
    Symbol('x'),
    1n,
    Object.create(null),
    new Proxy({}, { get: throwing, has: throwing, getPrototypeOf: throwing }),
  ])('what is no error goes to the next handler: %#', async (thrown) => {
    const seen: unknown[] = [];
    Reflect.apply(moovErrorHandler(), undefined, [thrown, {}, {}, (error: unknown) => seen.push(error)]);
    expect(seen).toHaveLength(1);
    expect(Object.is(seen[0], thrown)).toBe(true);
  });

  test('a frozen response, and a next that throws', () => {
    const handle = () =>
      Reflect.apply(moovErrorHandler(), undefined, [
        new MoovOriginError('no'),
        {},
        Object.freeze({}),
        throwing,
      ]);
    expect(handle).not.toThrow();
  });
});

describe('the request ID in a response for the end user', () => {
  test.each([
    ['0f8fad5b-d9cb-469f-a165-70867728950e', true],
    ['01ARZ3NDEKTSV4RRFFQ69G5FAV', true],
    ['1-5759e988-bd862e3fe1be46a994272793', true],
    ['Root=1:2_3.4', false],
    ['Bearer abc', false],
    ['bearer.abc', false],
    ['eyJhbGciOi.eyJzdWIi.c2ln', false],
    ['<script>', false],
    ['a b', false],
    ['x'.repeat(200), true],
    ['x'.repeat(201), false],
  ])('%s: shown is %s', async (id, shown) => {
    const { moov } = await startMoov();
    const error = new MoovTokenError('no', { code: 'ERR_MOOV_TOKEN_REFUSED', requestId: id });
    const app = appOf(express5, moov, () => Promise.reject(error));
    app.use(moovErrorHandler());
    const response = await supertest(app).get('/');
    expect(response.body.requestId).toBe(shown ? id : undefined);
  });

  test('never is the token, which Moov or a gateway has sent back', async () => {
    const { sandbox, moov } = await startMoov({ retries: 0 });
    const token = await moov.accessToken();
    for (const id of [`Bearer ${token}`, `Bearer%20${token}`]) {
      sandbox.fail({ path: '/ping', status: 400, headers: { 'x-request-id': id } });
      const app = appOf(express5, moov);
      app.get('/', async (req, res) => void res.json((await req.moov.get('/ping')).data));
      app.use(moovErrorHandler());
      const response = await supertest(app).get('/');
      expect(response.status).toBe(400);
      expect(response.text).not.toContain(token);
      expect(response.body).not.toHaveProperty('requestId');
    }
  });
});
