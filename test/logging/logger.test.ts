import { Console } from 'node:console';
import { Writable } from 'node:stream';
import bunyan from 'bunyan';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import winston from 'winston';
import { logTo, type MoovLogFunction, type MoovLogger } from '../../src/logging/logger.js';

const entry = {
  level: 'warn',
  message: 'call.refused: Moov answered with 403',
  fields: { type: 'call.refused', path: '/accounts', scopes: ['/ping.read'] },
  kind: 'call.refused',
} as const;
const line = `moov: ${entry.message}`;

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

/** What loggers of other makes write of the entry: their own options alone, and no adapter. */
const makes: Record<string, (stream: Writable) => MoovLogger> = {
  pino: (stream) => pino({ base: null }, stream),
  'a child of pino': (stream) => pino({ base: null }, stream).child({}),
  bunyan: (stream) => bunyan.createLogger({ name: 'app', stream }),
  'a child of bunyan': (stream) => bunyan.createLogger({ name: 'app', stream }).child({}),
};

test.each(Object.entries(makes))('%s has the message as msg, and the fields as fields', (_name, make) => {
  const { stream, text } = sink();
  logTo(make(stream))?.write(entry);
  expect(JSON.parse(text())).toMatchObject({ level: 40, msg: line, ...entry.fields });
});

test('winston has the message as message, and the fields as fields', () => {
  const { stream, text } = sink();
  const transports = [new winston.transports.Stream({ stream })];
  logTo(winston.createLogger({ format: winston.format.json(), transports }))?.write(entry);
  expect(JSON.parse(text())).toEqual({ level: 'warn', message: line, ...entry.fields });
});

test('console has the message first', () => {
  const { stream, text } = sink();
  logTo(new Console(stream, stream))?.write(entry);
  expect(text()).toMatch(/^moov: call\.refused: Moov answered with 403 \{\s*type: 'call\.refused'/);
});

test('any other object gets the message first, and keeps its this', () => {
  class Log implements MoovLogger {
    readonly lines: unknown[][] = [];
    debug() {}
    info() {}
    error() {}
    warn(...given: unknown[]) {
      this.lines.push(given);
    }
  }
  const log = new Log();
  logTo(log)?.write(entry);
  expect(log.lines).toEqual([[line, entry.fields]]);
});

test('a function gets level, message and fields', () => {
  const log = vi.fn<MoovLogFunction>();
  logTo(log)?.write(entry);
  expect(log.mock.calls).toEqual([['warn', line, entry.fields]]);
});

test('false is no log', () => {
  expect(logTo(false, 'production')).toBeUndefined();
});

describe('a line is one line, whatever comes from outside', () => {
  const outside = 'GET /a\r\n\u2028[ERROR] forged \u001b[2J\u202e';
  const shown = 'GET /a\\r\\n\\u2028[ERROR] forged \\u001b[2J\\u202e';

  test('in the message and in the fields', () => {
    const log = vi.fn<MoovLogFunction>();
    logTo(log)?.write({ ...entry, message: outside, fields: { path: outside, retry: 1 } });
    expect(log.mock.calls).toEqual([['warn', `moov: ${shown}`, { path: shown, retry: 1 }]]);
  });

  test('and ends after 500 characters', () => {
    const log = vi.fn<MoovLogFunction>();
    logTo(log)?.write({ ...entry, message: 'a'.repeat(1_000), fields: { path: 'b'.repeat(1_000) } });
    const [[, message, fields] = []] = log.mock.calls;
    expect(message).toHaveLength(500);
    expect(Object(fields).path).toHaveLength(500);
  });
});
