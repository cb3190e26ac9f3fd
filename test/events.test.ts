import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { emitter, type MoovAuthEvent } from '../src/events.js';
import { logTo, type MoovLogger } from '../src/logging/logger.js';
import { failure, startMoov } from './helpers/moov.js';

const token = { scopes: ['/ping.read'], accounts: [] };
const event = (): MoovAuthEvent => ({ type: 'token.warning', message: 'look', ...token });

function logger() {
  return { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() } satisfies MoovLogger;
}

describe('where an event goes', () => {
  test('to onEvent as it is, and to the logger as a message and fields', () => {
    const log = logger();
    const onEvent = vi.fn();
    emitter(logTo(log), onEvent)({ type: 'call.replayed', method: 'GET', path: '/accounts' });
    expect(onEvent.mock.calls).toEqual([[{ type: 'call.replayed', method: 'GET', path: '/accounts' }]]);
    expect(log.debug.mock.calls).toEqual([
      ['moov: call.replayed', { type: 'call.replayed', method: 'GET', path: '/accounts' }],
    ]);
  });

  test.each<[MoovAuthEvent['type'], keyof MoovLogger]>([
    ['token.obtained', 'info'],
    ['token.renewed', 'debug'],
    ['token.failed', 'error'],
    ['token.revoked', 'info'],
    ['token.revokeFailed', 'error'],
    ['token.narrowed', 'warn'],
    ['token.widened', 'warn'],
    ['token.warning', 'warn'],
    ['call.unauthorized', 'info'],
    ['call.replayed', 'debug'],
    ['call.retried', 'debug'],
    ['call.budgetExhausted', 'warn'],
  ])('%s is logged as %s, and so only', (type, level) => {
    const log = logger();
    const emit = emitter(logTo(log), undefined);
    Reflect.apply(emit, undefined, [{ type }]);
    for (const name of ['debug', 'info', 'warn', 'error'] as const) {
      expect(log[name]).toHaveBeenCalledTimes(name === level ? 1 : 0);
    }
  });

  test('the logger’s methods keep their this, as pino and winston need it', () => {
    class Log implements MoovLogger {
      readonly lines: string[] = [];
      debug = () => undefined;
      info = () => undefined;
      error = () => undefined;
      warn(message: string) {
        this.lines.push(message);
      }
    }
    const log = new Log();
    emitter(logTo(log), undefined)(event());
    expect(log.lines).toEqual(['moov: token.warning: look']);
  });

  test('a listener can not change what the logger gets', () => {
    const log = logger();
    emitter(logTo(log), (given) => Object.assign(given, { message: 'changed' }))(event());
    expect(log.warn).toHaveBeenCalledWith('moov: token.warning: look', { type: 'token.warning', ...token });
  });

  test.each([
    ['/accounts?email=jane@example.com', '/accounts'],
    ['/accounts#jane', '/accounts'],
    ['/accounts?a=1?b=2#c', '/accounts'],
    ['/accounts?a=%0A\nb', '/accounts'],
    ['?a=1', ''],
    ['/accounts', '/accounts'],
  ])('without a query string, which may name people: %j', (path, expected) => {
    const log = logger();
    const onEvent = vi.fn();
    emitter(logTo(log), onEvent)({ type: 'call.budgetExhausted', method: 'GET', path });
    const event = { type: 'call.budgetExhausted', method: 'GET', path: expected };
    expect(onEvent).toHaveBeenCalledWith(event);
    expect(log.warn).toHaveBeenCalledWith('moov: call.budgetExhausted', event);
  });

  test('no event of a call has the query of its URL', async () => {
    const { sandbox, moov, events } = await startMoov();
    sandbox.fail({ path: '/accounts', status: 401, times: 2 });
    await expect(moov.client.get('/accounts?name=jane')).rejects.toThrow();
    sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '1' } });
    await moov.client.get('/accounts', { params: { name: 'jane' } });
    const paths = events.flatMap((told) => ('path' in told ? [told.path] : []));
    expect(new Set(paths)).toEqual(new Set(['/accounts']));
    expect(paths).toHaveLength(4);
    expect(JSON.stringify(events)).not.toContain('jane');
  });

  test('nowhere, without either', () => {
    expect(emitter(undefined, undefined)(event())).toBeUndefined();
  });
});

describe('what events say', () => {
  const account = 'b1d2c3a4-0000-4000-8000-0000000000aa';

  test('of tokens: the scopes and the accounts', async () => {
    const { sandbox, moov, events } = await startMoov();
    await moov.ready();
    const target = { scopes: ['/accounts/{accountID}/wallets.read', '/ping.read'], accountID: account };
    await moov.accessToken(target);
    await moov.renew();
    sandbox.fail({ path: '/oauth2/token', status: 400 });
    await expect(moov.renew(target)).rejects.toThrow();
    const platform = {
      accounts: [sandbox.platformAccountID],
      scopes: expect.arrayContaining(['/ping.read']),
    };
    const ofAccount = { accounts: [account], scopes: [`/accounts/${account}/wallets.read`, '/ping.read'] };
    expect(events).toMatchObject([
      { type: 'token.obtained', ...platform },
      { type: 'token.obtained', ...ofAccount },
      { type: 'token.renewed', ...platform },
      { type: 'token.failed', ...ofAccount },
    ]);
  });

  test('of calls: Moov’s ID of the response', async () => {
    const { sandbox, moov, events } = await startMoov({ retries: 1 });
    await moov.ready();
    const answer = (status: number, id: string) =>
      sandbox.fail({ path: '/ping', status, headers: { 'x-request-id': id, 'retry-after-ms': '1' } });
    answer(401, 'first');
    answer(503, 'second');
    answer(403, 'third');
    await expect(moov.client.get('/ping')).rejects.toThrow();
    expect(events.filter(({ type }) => type.startsWith('call.'))).toMatchObject([
      { type: 'call.unauthorized', requestId: 'first' },
      { type: 'call.replayed', requestId: 'first' },
      { type: 'call.retried', requestId: 'second' },
      { type: 'call.refused', requestId: 'third' },
    ]);
    answer(401, 'Bearer eyJhbGciOi');
    await moov.client.get('/ping');
    expect(events.at(-1)).not.toHaveProperty('requestId');
  });

  test.each([
    [401, 'ERR_MOOV_UNAUTHORIZED', /401: the token is expired or revoked, or used with an Origin/],
    [403, 'ERR_MOOV_FORBIDDEN', /403: the token lacks the scope of this call/],
  ])(
    'of a call that Moov refuses with %i, whoever makes it: once, and what it can mean',
    async (status, code, message) => {
      const { sandbox, moov, events } = await startMoov();
      sandbox.fail({ path: '/ping', status, times: Number.POSITIVE_INFINITY });
      const calls: (() => Promise<unknown>)[] = [
        () => failure(moov.client.get('/ping?name=jane')),
        () => moov.client.get('/ping', { validateStatus: null }),
        () => moov.fetch('/ping'),
      ];
      for (const call of calls) {
        await call();
        const refused = events.splice(0).filter(({ type }) => type === 'call.refused');
        expect(refused).toEqual([
          {
            type: 'call.refused',
            method: 'GET',
            path: '/ping',
            status,
            code,
            message: expect.stringMatching(message),
            requestId: expect.any(String),
            scopes: expect.arrayContaining(['/ping.read']),
          },
        ]);
      }
    },
  );

  test('a 401 that a new token cures is no refusal', async () => {
    const { sandbox, moov, count } = await startMoov();
    await moov.ready();
    sandbox.revokeTokens();
    await moov.client.get('/ping');
    expect([count('call.unauthorized'), count('call.refused')]).toEqual([1, 0]);
  });
});

describe('with pino', () => {
  /** A logger, and what it has written: a line is whole when it comes. */
  function pinoLogger(level: string) {
    const written: string[] = [];
    const log = pino({ level, base: null }, { write: (line) => written.push(line) });
    return { log, lines: () => written.map((line) => JSON.parse(line)) };
  }

  test('each event is one line of JSON: its level, its fields, and a message that names it', async () => {
    const { log, lines } = pinoLogger('debug');
    const { sandbox, moov, events } = await startMoov({ logger: log });
    await moov.ready();
    sandbox.revokeTokens();
    await moov.client.get('/ping');
    sandbox.fail({ path: '/ping', status: 503, headers: { 'retry-after-ms': '1' } });
    await moov.client.get('/ping');
    sandbox.fail({ path: '/oauth2/token', status: 400, body: { error: 'no' } });
    await expect(moov.renew()).rejects.toThrow();
    await moov.revoke();

    const told = lines();
    expect(told.map(({ level, msg }) => [level, msg])).toEqual([
      [30, 'moov: token.obtained'],
      [30, 'moov: call.unauthorized'],
      [20, 'moov: token.renewed'],
      [20, 'moov: call.replayed'],
      [20, 'moov: call.retried'],
      [50, expect.stringMatching(/^moov: token\.failed: Moov refused the token request \(400\): no/)],
      [30, 'moov: token.revoked'],
    ]);
    // What pino adds are its own fields; all others are the event's, and none of them is lost to pino's.
    const fields = told.map(({ level, time, msg, ...rest }) => rest);
    const withoutMessages = events.map((given) => ({ ...given, message: undefined }));
    expect(fields).toEqual(JSON.parse(JSON.stringify(withoutMessages)));
  });

  test('its level decides which are written', async () => {
    const { log, lines } = pinoLogger('info');
    const { sandbox, moov } = await startMoov({ logger: log });
    await moov.ready();
    sandbox.revokeTokens();
    await moov.client.get('/ping');
    expect(lines().map(({ msg }) => msg)).toEqual(['moov: token.obtained', 'moov: call.unauthorized']);
  });

  test('a child logger keeps its bindings', () => {
    const { log, lines } = pinoLogger('info');
    emitter(logTo(log.child({ component: 'payments' })), undefined)(event());
    expect(lines()).toMatchObject([
      { component: 'payments', type: 'token.warning', msg: 'moov: token.warning: look' },
    ]);
  });
});

describe('a listener’s or a logger’s fault harms nothing', () => {
  const unhandled = vi.fn();
  beforeEach(() => {
    unhandled.mockClear();
    process.on('unhandledRejection', unhandled);
  });
  afterEach(() => {
    process.off('unhandledRejection', unhandled);
  });

  const fault = new Error('disk full');
  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw fault;
      },
    ],
    ['rejects', () => Promise.reject(fault)],
    ['is async and throws', async () => Promise.reject(fault)],
    [
      'rejects with a promise of another realm, as under Jest',
      () => runInNewContext('Promise.reject(new Error())'),
    ],
    [
      'throws undefined',
      () => {
        throw undefined;
      },
    ],
  ])('one that %s', async (_, fail) => {
    const onEvent = vi.fn(fail);
    const log = { ...logger(), warn: vi.fn(fail) };
    expect(() => emitter(logTo(log), onEvent)(event())).not.toThrow();
    // Rejections that nobody handles are told when the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    expect(onEvent).toHaveBeenCalledTimes(1);
    expect(log.warn).toHaveBeenCalledTimes(1);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test('a logger without the method that is needed', () => {
    const log: object = { debug: () => undefined };
    const onEvent = vi.fn();
    expect(() => emitter(Reflect.apply(logTo, undefined, [log]), onEvent)(event())).not.toThrow();
    expect(onEvent).toHaveBeenCalledTimes(1);
  });
});
