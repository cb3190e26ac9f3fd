import { ignoreErrors } from '../utils/errors.js';
import { oneLine } from '../utils/one-line.js';
import { consoleLog } from './console-log.js';
import type { Log, LogEntry } from './log.js';

/**
 * Where log lines go: winston, log4js, console, or any object whose methods take a message and fields. A logger of pino
 * or bunyan gets the fields first and the message second, as these take them.
 */
export interface MoovLogger {
  /**
   * For debugging: renewals, replays, retries.
   *
   * @param message - One line: `moov: `, the event's type, and its message if it has one.
   * @param fields - The fields of the event.
   */
  debug(message: string, fields: object): void;
  /**
   * For normal operation: the first token was issued, or tokens were revoked.
   *
   * @param message - As of {@link debug}.
   * @param fields - The fields of the event.
   */
  info(message: string, fields: object): void;
  /**
   * For what may need attention.
   *
   * @param message - As of {@link debug}.
   * @param fields - The fields of the event.
   */
  warn(message: string, fields: object): void;
  /**
   * For failures: no token, or one that could not be revoked.
   *
   * @param message - As of {@link debug}.
   * @param fields - The fields of the event.
   */
  error(message: string, fields: object): void;
}

/**
 * Where log lines go, as one function.
 *
 * @param level - How important the line is.
 * @param message - One line: `moov: `, the event's type, and its message if it has one.
 * @param fields - The fields of the event.
 */
export type MoovLogFunction = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: object,
) => void;

/**
 * The option `logger`.
 *
 * @inline
 */
export type LoggerOption = MoovLogger | MoovLogFunction | false;

/**
 * Returns the writer of log lines, or `undefined` if nothing is logged.
 *
 * @param logger - Default: warnings and errors go to the console, unless the environment is `test`, as Express has it.
 * @param environment - `NODE_ENV`.
 */
export function logTo(logger: LoggerOption | undefined, environment = process.env.NODE_ENV): Log | undefined {
  if (logger === false) return undefined;
  if (logger === undefined) return environment === 'test' ? undefined : consoleLog();
  const write = writer(logger);
  return {
    write: ({ level, message, fields }) =>
      ignoreErrors(() => write(level, oneLine(`moov: ${message}`), escaped(fields))),
  };
}

function writer(logger: MoovLogger | MoovLogFunction): (...line: Parameters<MoovLogFunction>) => unknown {
  if (typeof logger === 'function') return logger;
  const fieldsFirst = takesFieldsFirst(logger);
  return (level, message, fields) =>
    Reflect.apply(logger[level], logger, fieldsFirst ? [fields, message] : [message, fields]);
}

/** pino alone has `bindings`, and bunyan `addStream`. Both drop an object that comes second. */
function takesFieldsFirst(logger: MoovLogger): boolean {
  return 'child' in logger && ('bindings' in logger || 'addStream' in logger);
}

/** Fields may come from outside, such as a path, and some loggers print them as they are. */
function escaped(fields: LogEntry['fields']): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? oneLine(value) : value]),
  );
}
