import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import axios, { AxiosHeaders } from 'axios';
import { describe, expect, it } from 'vitest';
import { isMoovCallError, moovProblem } from '../../src/index.js';
import { serve } from '../helpers/http-server.js';
import { failure, startMoov as start } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';
import { start as startFake } from '../security/start.js';
import { amount, keyed, pay, transfer, transfersOf } from './transfers.js';

// The application's own code runs after the rules. What it throws after a 2xx must not read as "not done".

describe.each(transports)('over %s', (_name, over) => {
  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);
  const mine = () => {
    throw new Error('mine');
  };

  describe('a transformResponse that throws', () => {
    it('after a payment was made is reported as ambiguous', async () => {
      const { sandbox, moov } = await startMoov();
      for (const transformResponse of [mine, [(data: unknown) => data, mine]]) {
        const config = { ...keyed('transform', String(transformResponse.length)), transformResponse };
        const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
        expect(error).toMatchObject({ message: 'mine', moov: { attempts: 1, ambiguous: true } });
        expect(isMoovCallError(error)).toBe(true);
      }
      expect(sandbox.transfers).toHaveLength(2);
    });

    it('after a lost response and the 409 that settles it is reported as ambiguous', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: transfersOf(sandbox), drop: 'after' });
      const config = { ...keyed('lost'), transformResponse: mine };
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
      expect(error).toMatchObject({ message: 'mine', moov: { attempts: 2, ambiguous: true } });
      expect(sandbox.transfers).toHaveLength(1);
    });

    it.each([
      [422, false],
      [503, true],
    ])('after a %i leaves ambiguous at %s', async (status, ambiguous) => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      sandbox.fail({ path: transfersOf(sandbox), status });
      const config = { ...keyed('refused'), transformResponse: mine };
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
      expect(error).toMatchObject({ message: 'mine', moov: { attempts: 1, ambiguous } });
    });

    it('does not keep a 401 from being renewed, nor a 503 from being retried', async () => {
      const { sandbox, moov } = await startMoov();
      sandbox.fail({ path: '/accounts', status: 401 });
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '5' } });
      const response = await moov.client.get('/accounts', {
        transformResponse: [(text) => JSON.parse(text)],
      });
      expect(response).toMatchObject({ status: 200, moov: { attempts: 3 } });
    });

    it.each([
      ['a text', 'thrown as a text'],
      ['null', null],
      ['a frozen error', Object.freeze(new Error('frozen'))],
      ['an object without a prototype', Object.create(null)],
      ['an object that cannot be made a text', { toString: mine }],
      ['an object that cannot be looked at', new Proxy({}, { getPrototypeOf: mine })],
    ])(
      'with %s, which cannot say so, becomes the cause of an error that is ambiguous',
      async (_what, thrown) => {
        const { sandbox, moov } = await startMoov();
        const transformResponse = () => {
          throw thrown;
        };
        const config = { ...keyed('odd'), transformResponse };
        const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
        expect(error.cause === thrown).toBe(true);
        expect(error.moov).toMatchObject({ attempts: 1, ambiguous: true });
        expect(sandbox.transfers).toHaveLength(1);
      },
    );

    it('with one error for several calls reports the outcome of each call', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      const shared = new Error('always the same');
      const transformResponse = () => {
        throw shared;
      };
      sandbox.fail({ path: transfersOf(sandbox), status: 422 });
      const call = (key: string) =>
        failure(moov.client.post(transfersOf(sandbox), transfer, { ...keyed(key), transformResponse }));
      expect(await call('refused')).toMatchObject({ moov: { ambiguous: false } });
      expect(await call('made')).toMatchObject({ message: 'always the same', moov: { ambiguous: true } });
    });
  });

  it('a call that a response interceptor makes and that fails does not speak for the payment', async () => {
    const { sandbox, moov } = await startMoov({
      retries: 0,
      configure: (instance) => {
        instance.interceptors.response.use(async (response) => {
          if (response.config.method === 'post') await moov.client.get('/accounts');
          return response;
        });
      },
    });
    sandbox.fail({ path: '/accounts', status: 404 });
    const error = await failure(pay(moov.client, sandbox, 'audited'));
    expect(error.moov).toEqual({ attempts: 1, ambiguous: true, requestId: expect.any(String) });
    expect(error.cause).toMatchObject({ response: { status: 404 }, moov: { ambiguous: false } });
    expect(sandbox.transfers).toHaveLength(1);
  });

  it.each<[string, (config: object) => object]>([
    ['frozen', (config) => Object.freeze(config)],
    ['sealed', (config) => Object.seal(config)],
    [
      'read-only',
      (config) => Object.defineProperty(config, 'transformResponse', { value: [], writable: false }),
    ],
  ])(
    'a config that is %s before the call is refused or copied, and nothing is lost',
    async (_what, close) => {
      const { sandbox, moov } = await startMoov();
      const transformRequest = function (this: object, data: unknown) {
        close(this);
        return JSON.stringify(data);
      };
      const headers = { ...keyed('closed').headers, 'Content-Type': 'application/json' };
      const config = { headers, transformRequest, transformResponse: mine };
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
      const made = sandbox.transfers.length;
      if (isMoovCallError(error)) expect(error.moov.ambiguous).toBe(made > 0);
      else expect(made).toBe(0);
    },
  );

  it('runs transforms, validateStatus and response interceptors once, on the final response', async () => {
    const runs: string[] = [];
    const { sandbox, moov } = await startMoov({
      configure: (instance) => {
        instance.interceptors.request.use((config) => {
          runs.push('request interceptor');
          return config;
        });
        instance.interceptors.response.use((response) => {
          runs.push(`response interceptor ${response.status}`);
          return response;
        });
      },
    });
    sandbox.fail({ path: '/accounts', status: 401 });
    sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '5' } });
    sandbox.fail({ path: '/accounts', drop: 'before' });
    await moov.client.get('/accounts', {
      transformRequest: (data) => {
        runs.push('transformRequest');
        return data;
      },
      transformResponse: (data, _headers, status) => {
        runs.push(`transformResponse ${status}`);
        return data;
      },
      validateStatus: (status) => {
        runs.push(`validateStatus ${status}`);
        return true;
      },
    });
    expect(runs).toEqual([
      'request interceptor',
      'transformRequest',
      'validateStatus 200',
      'transformResponse 200',
      'response interceptor 200',
    ]);
  });

  it('gives a transformResponse the config, the headers and the status, and leaves the config as it was', async () => {
    const { moov } = await startMoov();
    const seen: unknown[] = [];
    const transformResponse = function (
      this: { url?: string },
      data: string,
      headers: unknown,
      status?: number,
    ) {
      seen.push(this.url, headers instanceof AxiosHeaders, status);
      return data.length;
    };
    const response = await moov.client.get('/accounts', { transformResponse });
    expect(seen).toEqual(['/accounts', true, 200]);
    expect(response.data).toBeGreaterThan(10);
    expect(response.config.transformResponse).toBe(transformResponse);
  });

  describe('a response interceptor that throws', () => {
    it('after a payment was made is reported as ambiguous, whichever of several it is', async () => {
      const { sandbox, moov } = await startMoov({
        configure: (instance) => {
          instance.interceptors.response.use((response) => response.data);
          instance.interceptors.response.use(mine);
        },
      });
      const error = await failure(pay(moov.client, sandbox, 'interceptor'));
      expect(error).toMatchObject({ message: 'mine', moov: { attempts: 1, ambiguous: true } });
      expect(sandbox.transfers).toHaveLength(1);
    });

    it('a replacement for an error keeps the outcome of the call', async () => {
      const { sandbox, moov } = await startMoov({
        retries: 0,
        configure: (instance) => {
          instance.interceptors.response.use(undefined, () => Promise.reject(new TypeError('mapped')));
        },
      });
      for (const [status, ambiguous] of [
        [422, false],
        [503, true],
      ] as const) {
        sandbox.fail({ path: transfersOf(sandbox), status });
        const error = await failure(pay(moov.client, sandbox, 'mapped'));
        expect(error).toMatchObject({ message: 'mapped', moov: { attempts: 1, ambiguous } });
      }
    });

    it('that was ejected in configure does not run', async () => {
      const { moov } = await startMoov({
        configure: (instance) => {
          const { response } = instance.interceptors;
          response.eject(response.use(mine));
        },
      });
      expect((await moov.client.get('/ping')).status).toBe(200);
    });
  });

  it('an abort that comes with the response, before the caller has it, is ambiguous', async () => {
    const { sandbox, moov } = await startMoov();
    const controller = new AbortController();
    const validateStatus = () => {
      controller.abort();
      return true;
    };
    const config = { ...keyed('late abort'), validateStatus, signal: controller.signal };
    const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
    expect(error).toMatchObject({ code: 'ERR_CANCELED', moov: { attempts: 1, ambiguous: true } });
    expect(sandbox.transfers).toHaveLength(1);
  });

  it('an abort before the call began is not', async () => {
    const { sandbox, moov } = await startMoov();
    const config = { ...keyed('early abort'), signal: AbortSignal.abort() };
    const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
    expect(error).toMatchObject({ code: 'ERR_CANCELED', moov: { attempts: 0, ambiguous: false } });
  });

  it('adds no outcome to an error that is not about a call', async () => {
    const { moov } = await startMoov({
      configure: (instance) => {
        instance.interceptors.request.use((config) => (config.url === '/mine' ? mine() : config));
      },
    });
    const elsewhere = await failure(axios.get('http://127.0.0.1:9/x', { timeout: 500 }));
    for (const error of [
      elsewhere,
      await failure(moov.client.get('/mine')),
      await failure(moov.client.post('/x', {}, { transformRequest: mine })),
    ]) {
      expect(isMoovCallError(error)).toBe(false);
      expect(error).not.toHaveProperty('moov');
    }
  });

  it('the error of another service after a payment does not speak for it, and is left as it is', async () => {
    const other = await serve({ status: 429, headers: { 'retry-after': '1' }, body: { theirs: true } });
    const theirs = await failure(axios.post(other.url, {}));
    const { config, request } = theirs;
    const throwIt = () => {
      throw theirs;
    };
    const { sandbox, moov } = await startMoov({
      configure: ({ interceptors }) => {
        interceptors.response.use((response) => (response.config.method === 'post' ? throwIt() : response));
        interceptors.response.use(undefined, (error: unknown) => Promise.reject(error));
      },
    });
    const plain = await startMoov();
    const json = { 'Content-Type': 'application/json' };
    for (const call of [
      () => pay(moov.client, sandbox, 'interceptor'),
      () =>
        moov.fetch(transfersOf(sandbox), {
          method: 'POST',
          body: JSON.stringify(transfer),
          headers: { ...json, ...keyed('fetch').headers },
        }),
      ...[{ transformResponse: throwIt }, { validateStatus: throwIt }].map(
        (own, index) => () =>
          plain.moov.client.post(transfersOf(plain.sandbox), transfer, {
            ...keyed('own', String(index)),
            ...own,
          }),
      ),
    ]) {
      const error = await failure(call());
      expect(error).toMatchObject({ cause: theirs, moov: { attempts: 1, ambiguous: true } });
      const problem = moovProblem(error, { exposeUpstream: true });
      expect(problem?.status).toBe(502);
      expect(problem?.body).not.toHaveProperty('upstream');
      expect([theirs.config === config, theirs.request === request]).toEqual([true, true]);
      expect(theirs).not.toHaveProperty('moov');
    }
    expect([sandbox.transfers.length, plain.sandbox.transfers.length]).toEqual([2, 2]);
  });

  it.each<[string, () => Error]>([
    [
      'whose cause leads back to itself',
      () => {
        const error = Object.assign(new Error('of the agent'), { code: 'EPIPE' });
        return Object.assign(error, { cause: new Error('outer', { cause: error }) });
      },
    ],
    ['whose code is a number', () => Object.assign(new Error('of the agent'), { code: 5 })],
  ])('an error %s does not cost the outcome, nor keep close() waiting', async (_what, fault) => {
    const sockets: Duplex[] = [];
    class Watched extends Agent {
      override createConnection(...args: Parameters<Agent['createConnection']>) {
        const socket = super.createConnection(...args);
        if (socket) sockets.push(socket);
        return socket;
      }
    }
    const { moov, fake } = await startFake({ ...over, axios: { httpAgent: new Watched() } });
    fake.api = () => sockets.at(-1)?.destroy(fault());
    const moovInfo = { attempts: 1, ambiguous: true };
    expect(await failure(moov.client.post('/x', {}))).toMatchObject({
      message: expect.stringContaining('of the agent'),
      moov: moovInfo,
    });
    expect(await failure(moov.fetch('/x', { method: 'POST' }))).toMatchObject({ moov: moovInfo });
    const began = performance.now();
    await moov.close();
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  it('a config that throws when it is read does not cost the outcome, nor keep close() waiting', async () => {
    const { moov, fake } = await startFake({ ...over, rateLimit: false });
    await moov.ready();
    fake.api = () => undefined;
    const transformRequest = function (this: object, data: unknown) {
      Object.defineProperty(this, 'timeoutErrorMessage', { get: mine });
      return data;
    };
    const error = await failure(moov.client.post('/x', 'text', { transformRequest, timeout: 300 }));
    expect(error).toMatchObject({ message: 'mine', moov: { attempts: 1, ambiguous: true } });
    const began = performance.now();
    await moov.close();
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  it('works with interceptors that replace the headers by a plain object', async () => {
    const { sandbox, moov } = await startMoov({
      configure: (instance) => {
        instance.interceptors.request.use((config) =>
          Object.assign(config, { headers: { ...config.headers, 'X-Trace': '1' } }),
        );
      },
    });
    await moov.client.post('/accounts', { amount }).catch(() => undefined);
    expect(sandbox.requests.at(-1)?.headers).toMatchObject({
      'x-trace': '1',
      'x-moov-version': 'v2024.01.00',
      'content-type': 'application/json',
    });
  });
});
