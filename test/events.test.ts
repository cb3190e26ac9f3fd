import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import winston from 'winston';
import { emitter, type MoovAuthEvent } from '../src/events.js';
import { logTo, type MoovLogger } from '../src/logging/logger.js';
import { startMoov } from './helpers/moov.js';

const event = (): MoovAuthEvent => ({ type: 'token.warning', message: 'look' });

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
    expect(log.warn).toHaveBeenCalledWith('moov: token.warning: look', { type: 'token.warning' });
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
    expect(paths).toEqual(['/accounts', '/accounts', '/accounts']);
    expect(JSON.stringify(events)).not.toContain('jane');
  });

  test('nowhere, without either', () => {
    expect(emitter(undefined, undefined)(event())).toBeUndefined();
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

describe('with loggers that take the message first', () => {
  const narrowed: MoovAuthEvent = { type: 'token.narrowed', missing: ['/fed.read'] };

  /** A stream, and what was written to it. */
  function sink() {
    const written: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        written.push(String(chunk));
        done();
      },
    });
    return { stream, text: () => written.join('') };
  }

  function winstonLogger(format = winston.format.simple()) {
    const { stream, text } = sink();
    const transports = [new winston.transports.Stream({ stream })];
    return { log: winston.createLogger({ level: 'debug', format, transports }), text };
  }

  test('winston prints the message and the fields', () => {
    const { log, text } = winstonLogger();
    emitter(logTo(log), undefined)(narrowed);
    expect(text().trim()).toBe(
      'warn: moov: token.narrowed {"missing":["/fed.read"],"type":"token.narrowed"}',
    );
  });

  test('winston as JSON has the fields beside the message', () => {
    const { log, text } = winstonLogger(winston.format.json());
    emitter(logTo(log), undefined)(narrowed);
    expect(JSON.parse(text())).toEqual({ level: 'warn', message: 'moov: token.narrowed', ...narrowed });
  });

  test('a child logger of winston keeps its fields', () => {
    const { log, text } = winstonLogger();
    emitter(logTo(log.child({ component: 'payments' })), undefined)(event());
    expect(text()).toContain('moov: token.warning');
    expect(text()).toContain('"component":"payments"');
  });

  test('console prints the message first', () => {
    const { stream, text } = sink();
    emitter(logTo(new Console(stream, stream)), undefined)(narrowed);
    expect(text()).toMatch(/^moov: token\.narrowed \{\s*type: 'token\.narrowed'/);
  });

  test('any other with a method log, which keeps its this', () => {
    class Log {
      readonly lines: unknown[][] = [];
      log() {}
      debug() {}
      info() {}
      error() {}
      warn(...given: unknown[]) {
        this.lines.push(given);
      }
    }
    const log = new Log();
    emitter(logTo(log), undefined)(event());
    expect(log.lines).toEqual([['moov: token.warning: look', { type: 'token.warning' }]]);
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
