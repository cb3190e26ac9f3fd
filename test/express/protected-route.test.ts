import { once } from 'node:events';
import { connect } from 'node:net';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { type Guard, MoovConfigError } from '../../src/index.js';
import { allow, appOf, expressVersions, listen } from '../helpers/apps.js';
import { fastClock } from '../helpers/fast-clock.js';
import { type Started, startMoov } from '../helpers/moov.js';

describe.each(expressVersions)('the guard of a router on $name', ({ express }) => {
  /** An app that shows what reaches its error handler, and what falls through the router. */
  async function guarded(guard: Guard) {
    const { sandbox, moov } = await startMoov();
    await moov.ready();
    const seen: unknown[] = [];
    const report: ErrorRequestHandler = (error, _req, res, _next) => {
      seen.push(error);
      res.status(500).send('the application was told');
    };
    const app = appOf(express, ['/oauth', moov.revokeRouter({ guard })]);
    app.use((_req, res) => void res.status(404).send('not found'));
    app.use(report);
    return { sandbox, moov, app, seen };
  }

  function expectNothingRevoked({ sandbox, moov }: Pick<Started, 'sandbox' | 'moov'>): void {
    expect(sandbox.stats.revokeRequests).toBe(0);
    expect(moov.status().tokens).toBe(1);
  }

  describe('next() allows', () => {
    const later: RequestHandler = async (_req, _res, next) => {
      await new Promise(setImmediate);
      next();
    };
    test.each([
      { what: 'one guard', guard: allow },
      { what: 'an asynchronous one', guard: later },
      { what: 'a list of one', guard: [allow] as const },
      { what: 'a list of several', guard: [later, allow, later] as const },
    ])('$what', async ({ guard }) => {
      const { sandbox, app } = await guarded(guard);
      const response = await supertest(app).post('/oauth/revoke').type('form').send({ token: 'abc' });
      expect(response.status).toBe(200);
      expect(sandbox.stats.revokeRequests).toBe(1);
    });

    test('a guard may be an Express router', async () => {
      const router = express.Router();
      router.use('/revoke', later);
      const { sandbox, app } = await guarded(router);
      const response = await supertest(app).post('/oauth/revoke').send({ token: 'abc' });
      expect(response.status).toBe(200);
      expect(sandbox.stats.revokeRequests).toBe(1);
    });
  });

  describe('anything else refuses', () => {
    const refusal = new Error('not for you');
    const refusals: { what: string; guard: RequestHandler }[] = [
      { what: 'next(error)', guard: (_req, _res, next) => next(refusal) },
      {
        what: 'an error that is thrown',
        guard: () => {
          throw refusal;
        },
      },
      {
        what: 'a rejected promise',
        guard: async () => {
          await new Promise(setImmediate);
          throw refusal;
        },
      },
      {
        what: 'next(error), later',
        guard: async (_req, _res, next) => {
          await new Promise(setImmediate);
          next(refusal);
        },
      },
    ];

    test.each(refusals)('$what reaches the error handler of the application', async ({ guard }) => {
      const setup = await guarded(guard);
      const response = await supertest(setup.app).post('/oauth/revoke');
      expect(response.text).toBe('the application was told');
      expect(setup.seen).toEqual([refusal]);
      expectNothingRevoked(setup);
    });

    test.each(['route', 'router'] as const)("next('%s') passes by the route", async (to) => {
      const setup = await guarded((_req, _res, next) => (to === 'route' ? next(to) : next(to)));
      const response = await supertest(setup.app).post('/oauth/revoke');
      expect(response.status).toBe(404);
      expect(response.text).toBe('not found');
      expect(setup.seen).toEqual([]);
      expectNothingRevoked(setup);
    });

    test('a promise that is rejected without a reason is an error too', async () => {
      const setup = await guarded(() => Promise.reject());
      const response = await supertest(setup.app).post('/oauth/revoke');
      expect(response.text).toBe('the application was told');
      expect(setup.seen).toEqual([expect.any(Error)]);
      expectNothingRevoked(setup);
    });

    describe('a rejection without a value, or with a truthy one, is an error too', () => {
      const given: readonly unknown[] = [undefined, null, '', 0, false, Number.NaN, 'route', 'router'];
      const ways: readonly [way: string, guard: (reason: unknown) => RequestHandler][] = [
        [
          'thrown',
          (reason) => () => {
            throw reason;
          },
        ],
        ['rejected with', (reason) => () => Promise.reject(reason)],
        [
          'thrown after a while',
          (reason) => async () => {
            await new Promise(setImmediate);
            throw reason;
          },
        ],
      ];
      describe.each(ways)('%s', (_way, guard) => {
        test.each(given)('%j', async (reason) => {
          const setup = await guarded(guard(reason));
          const response = await supertest(setup.app).post('/oauth/revoke');
          expect(response.text).toBe('the application was told');
          expect(setup.seen).toEqual([expect.any(Error)]);
          expectNothingRevoked(setup);
        });
      });

      test.each(['', 0, false, Number.NaN])('given to next: %j', async (reason) => {
        const setup = await guarded((_req, _res, next) => next(reason));
        const response = await supertest(setup.app).post('/oauth/revoke');
        expect(response.text).toBe('the application was told');
        expect(setup.seen).toEqual([expect.any(Error)]);
        expectNothingRevoked(setup);
      });
    });

    test.each<[what: string, guard: RequestHandler]>([
      [
        'next(), then next(error)',
        (_req, _res, next) => {
          next();
          next(refusal);
        },
      ],
      [
        'next(error), then next()',
        (_req, _res, next) => {
          next(refusal);
          next();
        },
      ],
      [
        'next(), then an exception',
        (_req, _res, next) => {
          next();
          throw refusal;
        },
      ],
      [
        'next(), then a rejection',
        async (_req, _res, next) => {
          next();
          throw refusal;
        },
      ],
    ])('of two answers the refusal counts: %s', async (_what, guard) => {
      const setup = await guarded(guard);
      const response = await supertest(setup.app).post('/oauth/revoke');
      expect(response.text).toBe('the application was told');
      expect(setup.seen).toEqual([refusal]);
      expectNothingRevoked(setup);
    });

    describe('a guard that responds and calls next() as well', () => {
      const guards: readonly [what: string, guard: RequestHandler][] = [
        [
          'answers, then calls next()',
          (_req, res, next) => {
            res.sendStatus(403);
            next();
          },
        ],
        [
          'calls next(), then answers',
          (_req, res, next) => {
            next();
            res.sendStatus(403);
          },
        ],
        [
          'answers after a while, then calls next()',
          async (_req, res, next) => {
            await new Promise(setImmediate);
            res.status(403).json({ error: 'no' });
            next();
          },
        ],
        [
          'begins to answer, then calls next()',
          (_req, res, next) => {
            res.status(403).write('no');
            next();
            setTimeout(() => res.end(), 50);
          },
        ],
        [
          'redirects, then calls next()',
          (_req, res, next) => {
            res.redirect(303, '/login');
            next();
          },
        ],
        [
          'answers, then calls next() twice',
          (_req, res, next) => {
            res.sendStatus(403);
            next();
            next();
          },
        ],
      ];
      test.each(guards)('%s: nothing is done', async (_what, guard) => {
        for (const list of [guard, [allow, guard], [guard, allow]] as const) {
          const { sandbox, moov } = await startMoov();
          await moov.ready();
          const tokens = moov.browserTokenRouter({ guard: list, scopes: '/ping.read' });
          const app = appOf(express, moov.revokeRouter({ guard: list }), tokens);
          for (const path of ['/revoke', '/token']) {
            const response = await supertest(app).post(path).redirects(0);
            expect([303, 403]).toContain(response.status);
          }
          // What would have been asked of Moov has arrived there before this.
          await moov.client.get('/ping');
          expectNothingRevoked({ sandbox, moov });
          expect(sandbox.stats.tokenRequests).toBe(1);
        }
      });

      test('so does middleware of the application before the router', async () => {
        const { sandbox, moov } = await startMoov();
        await moov.ready();
        const answering: RequestHandler = (_req, res, next) => {
          res.sendStatus(403);
          next();
        };
        const app = appOf(express, answering, moov.revokeRouter({ guard: allow }));
        expect((await supertest(app).post('/revoke')).status).toBe(403);
        await moov.client.get('/ping');
        expectNothingRevoked({ sandbox, moov });
      });
    });

    test('next() twice revokes once', async () => {
      const { sandbox, app } = await guarded((_req, _res, next) => {
        next();
        next();
      });
      const response = await supertest(app).post('/oauth/revoke').type('form').send({ token: 'abc' });
      expect(response.status).toBe(200);
      expect(sandbox.stats.revokeRequests).toBe(1);
    });

    test('a guard that returns false and does not call next() allows nothing', async () => {
      const setup = await guarded((_req, res) => {
        setImmediate(() => res.status(403).end());
        return Reflect.apply(Boolean, undefined, [false]);
      });
      expect((await supertest(setup.app).post('/oauth/revoke')).status).toBe(403);
      expectNothingRevoked(setup);
    });

    test.each([true, false])(
      'a guard that returns %s, and does nothing else, is a mistake: 500',
      async (returned) => {
        fastClock();
        for (const guard of [() => returned, async () => returned]) {
          const setup = await guarded((_req, _res) => Reflect.apply(guard, undefined, []));
          expect((await supertest(setup.app).post('/oauth/revoke')).status).toBe(500);
          expect(setup.seen).toEqual([
            expect.objectContaining({
              name: 'MoovConfigError',
              message: expect.stringContaining(`A guard returned ${returned} and did not call next()`),
            }),
          ]);
          expectNothingRevoked(setup);
        }
      },
    );

    test('a guard answers by itself', async () => {
      const setup = await guarded((_req, res) => {
        res.status(401).set('WWW-Authenticate', 'Basic').json({ error: 'invalid_client' });
      });
      const response = await supertest(setup.app).post('/oauth/revoke').send({ token: 'abc' });
      expect(response.status).toBe(401);
      expect(response.body).toEqual({ error: 'invalid_client' });
      expect(response.headers['www-authenticate']).toBe('Basic');
      expect(response.headers['cache-control']).toBe('no-store');
      expectNothingRevoked(setup);
    });

    test('the guards after the one that refuses are not asked', async () => {
      const asked: string[] = [];
      const named =
        (name: string, allows: boolean): RequestHandler =>
        (_req, res, next) => {
          asked.push(name);
          if (allows) next();
          else res.status(403).end();
        };
      const setup = await guarded([named('first', true), named('second', false), named('third', true)]);
      expect((await supertest(setup.app).post('/oauth/revoke')).status).toBe(403);
      expect(asked).toEqual(['first', 'second']);
      expectNothingRevoked(setup);
    });
  });

  test('it runs before a byte of the body is read, also for a client that sends no body', async () => {
    const read: boolean[] = [];
    const setup = await guarded((req, res) => {
      read.push(req.readableDidRead);
      res.status(401).end();
    });
    const socket = connect(await listen(setup.app), '127.0.0.1');
    socket.write('POST /oauth/revoke HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n');
    const [reply] = await once(socket, 'data');
    socket.destroy();
    expect(String(reply)).toMatch(/^HTTP\/1\.1 401 /);
    expect(read).toEqual([false]);
    expectNothingRevoked(setup);
  });

  test('it runs before the body is checked: a client that may not revoke learns nothing about the body', async () => {
    const setup = await guarded((_req, res) => void res.status(401).end());
    const revoke = () => supertest(setup.app).post('/oauth/revoke').type('json');
    expect((await revoke().send('{')).status).toBe(401);
    expect((await revoke().send(`"${'x'.repeat(20_000)}"`)).status).toBe(401);
  });

  test('a body that arrives while an asynchronous guard thinks is read afterwards', async () => {
    let decide: () => void = () => undefined;
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const { sandbox, app } = await guarded(async (_req, _res, next) => {
      await decided;
      next();
    });
    const socket = connect(await listen(app), '127.0.0.1');
    const type = 'Content-Type: application/x-www-form-urlencoded';
    socket.write(`POST /oauth/revoke HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: 9\r\n\r\n`);
    await new Promise<void>((resolve) => socket.write('token=abc', () => resolve()));
    decide();
    const [reply] = await once(socket, 'data');
    socket.destroy();
    expect(String(reply)).toMatch(/^HTTP\/1\.1 200 /);
    expect(sandbox.stats).toMatchObject({ revokeRequests: 1, tokensRevoked: 0 });
  });

  test('it is not asked for OPTIONS, nor for a method that is not served', async () => {
    let asked = 0;
    const setup = await guarded((_req, _res, next) => {
      asked += 1;
      next();
    });
    expect((await supertest(setup.app).options('/oauth/revoke')).status).toBe(204);
    expect((await supertest(setup.app).get('/oauth/revoke')).status).toBe(405);
    expect(asked).toBe(0);
  });

  test('a list that is changed afterwards changes nothing', async () => {
    const guard: [RequestHandler] = [(_req, res) => void res.status(401).end()];
    const setup = await guarded(guard);
    guard.length = 0 as 1;
    expect((await supertest(setup.app).post('/oauth/revoke')).status).toBe(401);
    expectNothingRevoked(setup);
  });
});

describe('an invalid guard is refused when the router is created', () => {
  test.each([
    ['no options', []],
    ['no guard', [{}]],
    ['undefined', [{ guard: undefined }]],
    ['null', [{ guard: null }]],
    ['true', [{ guard: true }]],
    ['a name', [{ guard: 'requireAdmin' }]],
    ['an object', [{ guard: {} }]],
    ['an empty list', [{ guard: [] }]],
    ['a list with a hole', [{ guard: [allow, undefined] }]],
    ['a list of lists', [{ guard: [[allow]] }]],
    ['a promise of a guard', [{ guard: Promise.resolve(allow) }]],
  ])('%s', async (_what, given) => {
    const { moov } = await startMoov();
    const build = () => Reflect.apply(moov.revokeRouter, moov, given);
    expect(build).toThrow(MoovConfigError);
    expect(build).toThrow('guard: expected Express middleware');
  });
});
