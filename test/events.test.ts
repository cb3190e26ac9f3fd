import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { emitter, type MoovAuthEvent, type MoovLogger } from '../src/events.js';

const event = (): MoovAuthEvent => ({ type: 'token.warning', message: 'look' });

function logger() {
  return { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() } satisfies MoovLogger;
}

describe('where an event goes', () => {
  test('to onEvent as it is, and to the logger as fields and a message', () => {
    const log = logger();
    const onEvent = vi.fn();
    emitter(log, onEvent)({ type: 'call.replayed', method: 'GET', path: '/accounts' });
    expect(onEvent.mock.calls).toEqual([[{ type: 'call.replayed', method: 'GET', path: '/accounts' }]]);
    expect(log.debug.mock.calls).toEqual([
      [{ type: 'call.replayed', method: 'GET', path: '/accounts' }, 'moov: call.replayed'],
    ]);
  });

  test.each<[MoovAuthEvent['type'], keyof MoovLogger]>([
    ['token.obtained', 'info'],
    ['token.renewed', 'debug'],
    ['token.failed', 'error'],
    ['token.revoked', 'info'],
    ['token.revokeFailed', 'error'],
    ['token.warning', 'warn'],
    ['call.unauthorized', 'warn'],
    ['call.replayed', 'debug'],
    ['call.retried', 'debug'],
    ['call.budgetExhausted', 'warn'],
  ])('%s is logged as %s, and so only', (type, level) => {
    const log = logger();
    const emit = emitter(log, undefined);
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
      warn(_fields: object, message: string) {
        this.lines.push(message);
      }
    }
    const log = new Log();
    emitter(log, undefined)(event());
    expect(log.lines).toEqual(['moov: token.warning']);
  });

  test('a listener can not change what the logger gets', () => {
    const log = logger();
    emitter(log, (given) => Object.assign(given, { message: 'changed' }))(event());
    expect(log.warn).toHaveBeenCalledWith({ type: 'token.warning', message: 'look' }, 'moov: token.warning');
  });

  test('nowhere, without either', () => {
    expect(emitter(undefined, undefined)(event())).toBeUndefined();
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
    expect(() => emitter(log, onEvent)(event())).not.toThrow();
    // Rejections that nobody handles are told when the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    expect(onEvent).toHaveBeenCalledTimes(1);
    expect(log.warn).toHaveBeenCalledTimes(1);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test('a logger without the method that is needed', () => {
    const log: object = { debug: () => undefined };
    const onEvent = vi.fn();
    expect(() => Reflect.apply(emitter, undefined, [log, onEvent])(event())).not.toThrow();
    expect(onEvent).toHaveBeenCalledTimes(1);
  });
});
