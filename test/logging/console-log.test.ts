import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LogEntry } from '../../src/logging/log.js';
import { logTo } from '../../src/logging/logger.js';

const warn = vi.spyOn(console, 'warn');
const error = vi.spyOn(console, 'error');

beforeEach(() => {
  for (const method of [warn, error]) method.mockReset().mockImplementation(() => undefined);
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

// Other files may run in the same process.
afterAll(() => {
  vi.restoreAllMocks();
});

function entry(level: LogEntry['level'], kind = 'token.failed', fields: LogEntry['fields'] = {}): LogEntry {
  return { level, kind, fields, message: `${kind}: no` };
}

/** The log where nothing is configured. */
function defaultLog() {
  const log = logTo(undefined, 'production');
  if (log === undefined) throw new Error('expected a log');
  return log;
}

test.each(['production', 'development', 'staging', ''])('is the default with NODE_ENV=%s', (environment) => {
  logTo(undefined, environment)?.write(entry('error'));
  expect(error.mock.calls).toEqual([['moov: token.failed: no']]);
});

test('is silent with NODE_ENV=test, as Express is', () => {
  expect(logTo(undefined, 'test')).toBeUndefined();
});

test('shows warnings and errors alone', () => {
  const log = defaultLog();
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log.write(entry(level, level));
  expect([...warn.mock.calls, ...error.mock.calls]).toEqual([['moov: warn: no'], ['moov: error: no']]);
});

test('shows the fields behind the message, on the same line', () => {
  const fields = {
    type: 'token.failed',
    code: 'ERR_MOOV_NETWORK',
    scopes: ['/ping.read', '/accounts.read'],
    expiresAt: new Date(0),
    requestId: undefined,
    accounts: [],
    retryInMs: 59_999.8,
    path: '/a\nb',
  };
  defaultLog().write(entry('error', 'token.failed', fields));
  expect(error.mock.calls).toEqual([
    [
      'moov: token.failed: no (code=ERR_MOOV_NETWORK, scopes=/ping.read /accounts.read, expiresAt=1970-01-01T00:00:00.000Z, retryInMs=60000, path=/a\\nb)',
    ],
  ]);
});

test('ends a line after 500 characters', () => {
  defaultLog().write(entry('warn', 'x'.repeat(1_000)));
  expect(warn.mock.calls[0]?.[0]).toHaveLength(500);
});

describe('the same kind', () => {
  test('is shown once a minute, with how many were left out', () => {
    const log = defaultLog();
    for (let count = 0; count < 42; count++) log.write(entry('warn'));
    vi.advanceTimersByTime(59_000);
    log.write(entry('warn'));
    expect(warn).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(2_000);
    log.write(entry('warn'));
    vi.advanceTimersByTime(61_000);
    log.write(entry('warn'));
    expect(warn.mock.calls.map(([line]) => line)).toEqual([
      'moov: token.failed: no',
      'moov: token.failed: no; 42 more like it were left out in the last 61 s',
      'moov: token.failed: no',
    ]);
  });

  test('is forgotten after an hour, with how many were left out', () => {
    const log = defaultLog();
    for (let count = 0; count < 2; count++) log.write(entry('warn'));
    vi.advanceTimersByTime(3_601_000);
    log.write(entry('warn', 'other'));
    log.write(entry('warn'));
    expect(warn.mock.calls.at(-1)).toEqual(['moov: token.failed: no']);
  });

  test('does not hide another kind', () => {
    const log = defaultLog();
    log.write(entry('warn', 'one'));
    log.write(entry('warn', 'other'));
    expect(warn).toHaveBeenCalledTimes(2);
  });

  test('is never left out for a logger that was given', () => {
    const given = vi.fn();
    const log = logTo(given);
    for (let count = 0; count < 42; count++) log?.write(entry('warn'));
    expect(given).toHaveBeenCalledTimes(42);
  });
});

describe('a failure that several report', () => {
  test('is shown once', () => {
    const failure = new Error('no');
    defaultLog().write(entry('error', 'token.failed'), failure);
    defaultLog().write(entry('error', 'answer'), failure);
    expect(error.mock.calls).toEqual([['moov: token.failed: no']]);
  });

  test('also where a caller gets an error of its own, whose cause it is', () => {
    const failure = new Error('no');
    defaultLog().write(entry('error', 'token.failed'), failure);
    defaultLog().write(entry('error', 'answer'), new Error('no token', { cause: failure }));
    expect(error).toHaveBeenCalledTimes(1);
  });

  test('can be frozen, or its own cause', () => {
    const cyclic = new Error('no');
    cyclic.cause = cyclic;
    for (const failure of [Object.freeze(new Error('no')), cyclic]) {
      expect(() => defaultLog().write(entry('error'), failure)).not.toThrow();
    }
    expect(error).toHaveBeenCalledTimes(2);
  });
});

test('a console that throws harms nothing', () => {
  error.mockImplementation(() => {
    throw new Error('EPIPE');
  });
  expect(() => defaultLog().write(entry('error'))).not.toThrow();
});

test('shows the failure of a call whose cause is the failure of another call', () => {
  const log = defaultLog();
  const inner = Object.assign(new Error('of the inner call'), { moov: { attempts: 1 } });
  const outer = Object.assign(new Error('of the payment', { cause: inner }), { moov: { attempts: 1 } });
  const passedOn = Object.assign(new Error('the same payment', { cause: outer }), { moov: outer.moov });
  log.write(entry('warn', 'inner'), inner);
  log.write(entry('warn', 'outer'), outer);
  log.write(entry('warn', 'passed on'), passedOn);
  expect(warn.mock.calls).toEqual([['moov: inner: no'], ['moov: outer: no']]);
});
