import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import axios from 'axios';
import express from 'express';
import supertest from 'supertest';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import { isMoovCallError, MoovConfigError, moovAuth, moovErrorHandler } from '../../src/index.js';
import { serve } from '../helpers/http-server.js';
import { failure, startMoov as start } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';

describe.each(transports)('over %s', (_name, over) => {
  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);

  describe('req.moov', () => {
    it('is one authorised Axios instance for every request, typed on Express’s Request', async () => {
      const { moov } = await startMoov();
      const app = express();
      app.use(moov);
      app.get('/', async (req, res) => {
        expectTypeOf(req.moov).toEqualTypeOf<AxiosInstance>();
        const { status } = await req.moov.get('/ping');
        res.json({ status, same: req.moov === moov.client });
      });
      const response = await supertest(app).get('/');
      expect(response.body).toEqual({ status: 200, same: true });
    });

    it('sends Origin, X-Moov-Version, a User-Agent and the bearer token on every call', async () => {
      const { sandbox, moov } = await startMoov({ apiVersion: 'v2025.07.00' });
      await moov.client.get('/ping');
      await moov.client.get('/ping', { headers: { 'x-moov-version': 'v2026.01.00' } });
      const [first, second] = sandbox.requests.filter(({ path }) => path === '/ping');
      expect(first?.headers).toMatchObject({
        origin: sandbox.origins[0],
        'x-moov-version': 'v2025.07.00',
        'user-agent': expect.stringMatching(/^express-moov-auth\//),
        authorization: `Bearer ${await moov.accessToken()}`,
      });
      expect(second?.headers['x-moov-version']).toBe('v2026.01.00');
    });

    it('takes nothing that no call can have from the defaults of Axios, and nothing that is set there later', async () => {
      const { headers } = axios.defaults;
      onTestFinished(() => {
        Object.assign(axios.defaults, { headers });
        delete axios.defaults.auth;
      });
      const theirs = { authorization: 'Bearer of-another-service', Host: 'other.example.com' };
      const post = { ...headers.post, 'Idempotency-Key': 'theirs' };
      const common = { ...headers.common, Authorization: 'Bearer of-another-service', 'X-Early': '1' };
      Object.assign(axios.defaults, {
        headers: { ...headers, ...theirs, common, post },
        auth: { username: 'of-another-service', password: '' },
      });
      const { sandbox, moov } = await startMoov();
      expect(await moov.client.get('/ping')).toMatchObject({ status: 200 });
      expect(await moov.fetch('/ping')).toMatchObject({ status: 200 });
      await failure(moov.client.post('/accounts', {}));
      Object.assign(axios.defaults.headers.common, { 'X-Late': '1' });
      await moov.clientFor({ scopes: ['/accounts.read'] }).get('/accounts');
      const calls = sandbox.requests.filter(({ path }) => !path.startsWith('/oauth2'));
      expect(calls.map(({ path }) => path)).toEqual(['/ping', '/ping', '/accounts', '/accounts']);
      for (const call of calls) {
        expect(call.headers).toMatchObject({ 'x-early': '1', host: new URL(sandbox.url).host });
        expect(call.headers).not.toHaveProperty('x-late');
        expect(call.headers).not.toHaveProperty('idempotency-key');
        expect(call.headers.authorization).not.toContain('another');
      }
    });

    it.each(['origin', 'Origin', 'ORIGIN'])(
      'sends its own Origin in the place of a call’s %s',
      async (name) => {
        const { sandbox, moov } = await startMoov();
        await moov.client.get('/ping', { headers: { [name]: 'https://other.example.com', 'X-Abc': 'kept' } });
        const headers = sandbox.requests.find(({ path }) => path === '/ping')?.headers;
        expect(headers).toMatchObject({ origin: sandbox.origins[0], 'x-abc': 'kept' });
      },
    );

    it('keeps a call’s Origin if none is configured', async () => {
      const server = await serve({ body: { access_token: 'a', token_type: 'Bearer', expires_in: 900 } });
      const credentials = { clientId: 'id', clientSecret: 'secret' };
      const moov = moovAuth('/ping.read', { ...credentials, ...over, baseURL: server.url });
      onTestFinished(() => moov.close());
      const origin = 'https://app.example.com';
      await moov.client.get('/ping', { headers: { origin } });
      expect(server.requests.find(({ path }) => path === '/ping')?.headers.origin).toBe(origin);
    });

    it('waits for the token in the call, never in the middleware', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/oauth2/token', delayMs: 1_500 });
      const app = express();
      app.use(moov);
      app.get('/plain', (_req, res) => {
        res.json({ state: moov.status().state });
      });
      app.get('/ping', async (req, res) => {
        res.sendStatus((await req.moov.get('/ping')).status);
      });
      const agent = supertest(app);
      expect((await agent.get('/plain')).body).toEqual({ state: 'starting' });
      expect((await agent.get('/ping')).status).toBe(200);
    });

    it('runs configure once, on the instance, before it is closed to changes', async () => {
      let times = 0;
      const { sandbox, moov } = await startMoov({
        configure: (instance) => {
          times++;
          instance.defaults.headers.common['X-Trace'] = 'on';
        },
      });
      await moov.client.get('/ping');
      await moov.client.get('/ping');
      expect(times).toBe(1);
      expect(sandbox.requests.at(-1)?.headers['x-trace']).toBe('on');
    });

    it('keeps one handler from spoiling the shared defaults for another', async () => {
      const { sandbox, moov } = await startMoov();
      const { client } = moov;
      const attempts: (() => void)[] = [
        () => {
          client.defaults.baseURL = 'https://elsewhere.example.com';
        },
        () => {
          client.defaults.headers.common['X-User'] = 'alice';
        },
        () => {
          client.defaults.headers.get = { 'X-User': 'alice' };
        },
        () => {
          client.defaults = { ...client.defaults };
        },
        () => {
          client.defaults.timeout = 1;
        },
      ];
      for (const spoil of attempts) expect(spoil).toThrow(TypeError);
      expect(() => client.interceptors.request.use((config) => config)).toThrow(MoovConfigError);
      expect(() => client.interceptors.response.use((response) => response)).toThrow(/configure/);
      expect(() => client.interceptors.request.clear()).toThrow(MoovConfigError);
      await client.get('/ping');
      expect(sandbox.requests.at(-1)?.headers['x-user']).toBeUndefined();
      expect(Object.isFrozen(axios.defaults.headers.common)).toBe(false);
    });

    it('returns a config that can be sent again', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status: 404 });
      const error = await failure(moov.client.post('/accounts', { accountType: 'business', profile: {} }));
      if (!isMoovCallError(error) || error.config === undefined) throw error;
      expect(error.config).not.toHaveProperty('axios-retry');
      // What hides the body from logs is not a part of copies.
      expect(Object.getOwnPropertySymbols({ ...error.config })).toEqual([]);
      const again = await failure(moov.client.request(error.config));
      expect(again).toMatchObject({ moov: { attempts: 1 } });
      expect(sandbox.requests.filter(({ path }) => path === '/accounts')).toHaveLength(2);
    });

    it('says nothing of a call on an error of an interceptor’s own, which no call is behind', async () => {
      const { moov } = await startMoov({
        configure: (instance) => {
          instance.interceptors.request.use(async () => {
            throw new Error('mine');
          });
        },
      });
      const error = await failure(moov.client.get('/ping'));
      expect(error).toMatchObject({ message: 'mine' });
      expect(error).not.toHaveProperty('moov');
      expect(isMoovCallError(error)).toBe(false);
    });

    it.each([null, undefined, 'text', 5, new Error('mine')])(
      'says of a thrown %s that it is no call’s',
      (thrown) => {
        expect(isMoovCallError(thrown)).toBe(false);
      },
    );

    it('shows on an error what a log sees, and no requestId without a response', async () => {
      const { moov } = await startMoov();
      const error = await failure(moov.client.get('//elsewhere'));
      expect(Object.keys(error)).toContain('moov');
      expect(error.moov).toStrictEqual({ attempts: 0, ambiguous: false });
    });

    it('returns a config with its whole timeout, however long the attempts took', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '20' }, times: 4 });
      const error = await failure(moov.client.get('/accounts', { timeout: 20_000 }));
      expect(error).toMatchObject({ moov: { attempts: 4 }, config: { timeout: 20_000 } });
    });

    it.each([401, 404, 503])(
      'leaves the failure of a request that an interceptor makes itself as it is: %i',
      async (status) => {
        const { sandbox, moov } = await startMoov({
          configure: (instance) => {
            instance.interceptors.request.use(async (config) => {
              await axios.get(elsewhere());
              return config;
            });
          },
        });
        const elsewhere = () => `${sandbox.url}/elsewhere`;
        sandbox.fail({ path: '/elsewhere', status });
        const error = await failure(moov.client.get('/ping'));
        expect(error).toMatchObject({
          name: 'AxiosError',
          response: { status },
          config: { url: elsewhere() },
        });
        expect(isMoovCallError(error)).toBe(false);
      },
    );

    it('reports the outcome of the call on every response', async () => {
      const { sandbox, moov } = await startMoov();
      const response = await moov.client.get('/ping');
      expect(response).toMatchObject({ moov: { attempts: 1, ambiguous: false } });
      expect(response).toHaveProperty('moov.requestId', response.headers['x-request-id']);
      expect(sandbox.stats.apiRequests).toBe(1);
    });

    it('reports the last X-Request-ID, also if a later response has none', async () => {
      const server = await serve(({ path }) => {
        if (path === '/oauth2/token')
          return { body: { access_token: 'a', token_type: 'Bearer', expires_in: 900 } };
        const first = server.requests.filter((request) => request.path === path).length === 1;
        return first
          ? { status: 503, headers: { 'x-request-id': 'r-1', 'retry-after-ms': '1' } }
          : { status: 404 };
      });
      const { moov } = await startMoov({ baseURL: server.url });
      const error = await failure(moov.client.get('/ping'));
      expect(error).toMatchObject({ response: { status: 404 }, moov: { attempts: 2, requestId: 'r-1' } });
    });

    it('shows the method, the origin and the path without the query instead of the request', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      const { url: origin } = sandbox;
      const shown = async (config: AxiosRequestConfig) => {
        const { request } = await moov.client.request({ ...config, validateStatus: () => true });
        expect(Object.isFrozen(request)).toBe(true);
        return request;
      };
      expect(await shown({ url: '/accounts?a=1' })).toEqual({ method: 'GET', origin, path: '/accounts' });
      expect(await shown({ url: `${origin}/ping`, method: 'post' })).toEqual({
        method: 'POST',
        origin,
        path: '/ping',
      });
      expect(await shown({ url: `${origin}?a=1` })).toEqual({ method: 'GET', origin, path: '/' });
      expect(await shown({ url: 'ping?to=http://a.b/c' })).toMatchObject({ path: '/ping' });
      expect(await shown({})).toMatchObject({ path: '/' });
    });

    it('returns the transformations of a call unchanged', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ path: '/accounts', status: 404, times: 2 });
      const transformRequest = [() => '{}'];
      const config = { transformRequest };
      const own = await failure(moov.client.post('/accounts', { a: 1 }, config));
      expect(own).toHaveProperty('config.transformRequest', transformRequest);
    });

    it.each([0, 1, 2, 3, 4, 5])(
      'takes a token out of a header that echoes it in base64 behind %i bytes',
      async (before) => {
        const { sandbox, moov } = await startMoov();
        const token = await moov.accessToken();
        const text = `${'x'.repeat(before)}${token}, and more`;
        for (const encoding of ['base64', 'base64url'] as const) {
          sandbox.fail({
            path: '/ping',
            status: 200,
            headers: { 'x-echo': Buffer.from(text).toString(encoding) },
          });
          const { headers } = await moov.client.get('/ping');
          expect(headers['x-echo']).toContain('[redacted]');
          expect(Buffer.from(String(headers['x-echo']), 'base64').toString()).not.toContain(token.slice(-20));
        }
      },
    );

    it('is answered by moovErrorHandler when a call fails', async () => {
      const { moov } = await startMoov();
      const app = express();
      app.use(moov);
      app.get('/missing', async (req, res) => {
        res.json((await req.moov.get('/nothing-here')).data);
      });
      app.use(moovErrorHandler());
      const response = await supertest(app).get('/missing');
      expect(response.status).toBe(404);
      expect(response.type).toBe('application/problem+json');
    });
  });
});
