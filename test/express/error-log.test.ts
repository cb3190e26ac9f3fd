import express from 'express';
import supertest from 'supertest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type MoovAuthOptions,
  type MoovErrorHandlerOptions,
  type MoovLogFunction,
  moovErrorHandler,
} from '../../src/index.js';
import { appOf } from '../helpers/apps.js';
import { startMoov } from '../helpers/moov.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** An app whose routes call Moov as their path says, in front of a sandbox that answers with a status. */
async function start(
  upstream: { status: number } | { drop: 'before' | 'after' },
  options: MoovErrorHandlerOptions = {},
  ofAuth: MoovAuthOptions = {},
) {
  const { sandbox, moov } = await startMoov({ retries: 0, ...ofAuth });
  await moov.ready();
  sandbox.fail({ path: '/accounts', times: Number.POSITIVE_INFINITY, ...upstream });
  const app = appOf(express, moov);
  app.get('/orders/:id', async (req) => req.moov.get('/accounts', { params: { name: 'jane' } }));
  app.post('/orders', async (req) => req.moov.post('/accounts', { name: 'jane' }));
  app.get('/elsewhere', async (req) => req.moov.get('https://elsewhere.example/'));
  app.use(moovErrorHandler(options));
  return { sandbox, moov, agent: supertest(app) };
}

describe('what is answered is logged', () => {
  test('with what is needed to look into it, and without queries', async () => {
    const logger = vi.fn<MoovLogFunction>();
    const { agent } = await start({ status: 404 }, { logger });
    await agent.get('/orders/7?name=jane');
    expect(logger.mock.calls).toEqual([
      [
        'warn',
        'moov: answered GET /orders/7 with 404: Request failed with status code 404',
        {
          code: 'ERR_MOOV_NOT_FOUND',
          method: 'GET',
          path: '/orders/7',
          status: 404,
          upstreamStatus: 404,
          requestId: expect.any(String),
          ambiguous: undefined,
          call: 'GET /accounts',
        },
      ],
    ]);
    expect(JSON.stringify(logger.mock.calls)).not.toContain('jane');
  });

  test('as an error from 500 on, and whether Moov may have acted on a write', async () => {
    const logger = vi.fn<MoovLogFunction>();
    const { agent } = await start({ drop: 'after' }, { logger });
    await agent.post('/orders');
    expect(logger).toHaveBeenCalledWith(
      'error',
      expect.stringMatching(/^moov: answered POST \/orders with 502: /),
      expect.objectContaining({ code: 'ERR_MOOV_NETWORK', ambiguous: true }),
    );
  });

  test('also a mistake of the application’s, which sends nothing', async () => {
    const logger = vi.fn<MoovLogFunction>();
    const { agent } = await start({ status: 404 }, { logger });
    await agent.get('/elsewhere');
    expect(logger).toHaveBeenCalledWith(
      'error',
      expect.stringMatching(/^moov: answered GET \/elsewhere with 500: .*elsewhere/),
      expect.objectContaining({ code: 'ERR_MOOV_ORIGIN', call: undefined }),
    );
  });

  test('an error of the application is not, as another handler answers it', async () => {
    const logger = vi.fn<MoovLogFunction>();
    const app = appOf(express, (_req, _res, next) => next(new Error('of the application')));
    app.use(moovErrorHandler({ logger }));
    expect((await supertest(app).get('/')).status).toBe(500);
    expect(logger).not.toHaveBeenCalled();
  });

  test('a logger that throws costs no answer', async () => {
    const logger = () => {
      throw new Error('disk full');
    };
    const { agent } = await start({ status: 404 }, { logger });
    expect((await agent.get('/orders/7')).status).toBe(404);
  });
});

describe('on the console', () => {
  const printed = () => {
    const lines: unknown[] = [];
    for (const method of ['warn', 'error'] as const) {
      vi.spyOn(console, method).mockImplementation((line) => lines.push(line));
    }
    return lines;
  };

  test('by default', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const lines = printed();
    const { agent } = await start({ status: 404 });
    for (let count = 0; count < 3; count++) await agent.get('/orders/7');
    expect(lines).toEqual([
      expect.stringMatching(
        /^moov: answered GET \/orders\/7 with 404: Request failed with status code 404 \(code=ERR_MOOV_NOT_FOUND, /,
      ),
    ]);
  });

  test('a refusal once, as the event says it, and not again with the answer', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const lines = printed();
    const { agent } = await start({ status: 403 });
    await agent.get('/orders/7');
    await agent.post('/orders');
    expect(lines).toEqual([
      expect.stringMatching(/^moov: call\.refused: Moov answered with 403: the token lacks the scope/),
    ]);
  });

  test('a failed token request once, however many calls fail for it', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const lines = printed();
    const { sandbox, moov, agent } = await start({ status: 404 });
    sandbox.fail({ path: '/oauth2/token', status: 401 });
    await moov.revoke();
    for (let count = 0; count < 3; count++) expect((await agent.get('/orders/7')).status).toBe(502);
    expect(lines).toEqual([
      expect.stringMatching(/^moov: token\.failed: Moov refused the credentials \(401\): check clientId/),
    ]);
  });

  test('what the token says of the options, at start-up, before any call', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const lines = printed();
    const { moov } = await startMoov({ origin: 'https://elsewhere.example.com' });
    await moov.ready();
    expect(lines).toEqual([
      expect.stringMatching(
        /^moov: token\.warning: origin \(MOOV_ORIGIN\) is https:\/\/elsewhere\.example\.com, but the API key is registered for app\.example\.com: every call will be answered with 401/,
      ),
    ]);
  });

  test('not with logger: false, and not with NODE_ENV=test', async () => {
    const lines = printed();
    const { agent } = await start({ status: 404 });
    await agent.get('/orders/7');
    vi.stubEnv('NODE_ENV', 'production');
    const silent = await start({ status: 403 }, { logger: false }, { logger: false });
    await silent.agent.get('/orders/7');
    expect(lines).toEqual([]);
  });
});

describe('detail', () => {
  test.each([
    ['development', {}, true],
    ['test', {}, true],
    ['production', {}, false],
    ['staging', {}, false],
    ['', {}, false],
    ['production', { exposeMessage: true }, true],
    ['development', { exposeMessage: false }, false],
    ['development', { exposeMessage: undefined }, true],
  ])('has the message with NODE_ENV=%s and %j: %s', async (environment, options, shown) => {
    vi.stubEnv('NODE_ENV', environment);
    const { agent } = await start({ status: 404 }, { logger: false, ...options });
    const { body } = await agent.get('/orders/7');
    expect(body.detail).toBe(shown ? 'Request failed with status code 404' : undefined);
  });
});
