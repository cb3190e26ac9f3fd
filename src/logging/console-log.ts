import { ignoreErrors } from '../utils/errors.js';
import { oneLine } from '../utils/one-line.js';
import { isObject } from '../utils/value-type.js';
import type { Log, LogEntry } from './log.js';

/** How long after a line others of its kind are left out. */
const QUIET_MS = 60_000;

/** How long the number of lines left out is kept for the next line of the kind. */
const REMEMBERED_MS = 3_600_000;

/** Errors whose failure is on the console already. */
const printed = Symbol.for('express-moov-auth.printed');

/** The last line of a kind. */
interface LastLine {
  readonly at: number;
  /** How many like it were left out since. */
  leftOut: number;
}

/**
 * Returns a log of warnings and errors on the console, which is stderr: a line for each failure, however many report it,
 * and at most one line of a kind a minute.
 */
export function consoleLog(): Log {
  const last = new Map<string, LastLine>();
  return {
    write(entry, failure) {
      if (entry.level !== 'warn' && entry.level !== 'error') return;
      if (isPrinted(failure)) return;
      if (failure !== undefined) markPrinted(failure);
      const now = performance.now();
      const before = last.get(entry.kind);
      if (before !== undefined && now - before.at < QUIET_MS) {
        before.leftOut++;
        return;
      }
      last.set(entry.kind, { at: now, leftOut: 0 });
      forgetOld(last, now);
      const line = oneLine(`moov: ${entry.message}${fieldsOf(entry)}${leftOutSince(before, now)}`);
      ignoreErrors(() => console[entry.level](line));
    },
  };
}

/** Kinds are few; this bounds those that have a message in them. */
function forgetOld(last: Map<string, LastLine>, now: number): void {
  for (const [kind, { at, leftOut }] of last) {
    if (now - at > (leftOut === 0 ? QUIET_MS : REMEMBERED_MS)) last.delete(kind);
  }
}

/**
 * Whether the failure behind an error has a line already: callers get errors of their own, with it as their cause. A
 * cause that is the error of another call is another failure.
 */
function isPrinted(failure: unknown): boolean {
  const seen = new Set<unknown>();
  const call = callOf(failure);
  for (let error = failure; isObject(error) && !seen.has(error); error = Reflect.get(error, 'cause')) {
    if (call !== undefined && (callOf(error) ?? call) !== call) return false;
    if (printed in error) return true;
    seen.add(error);
  }
  return false;
}

/** What the error of a call says of that call. */
function callOf(error: unknown): unknown {
  return isObject(error) ? Reflect.get(error, 'moov') : undefined;
}

function markPrinted(failure: object): void {
  // A frozen error is printed twice.
  if (Object.isExtensible(failure)) Object.defineProperty(failure, printed, { value: true });
}

function fieldsOf({ fields }: LogEntry): string {
  const shown = Object.entries(fields)
    .filter(([name, value]) => name !== 'type' && value !== undefined && !isEmptyList(value))
    .map(([name, value]) => `${name}=${textOf(value)}`);
  return shown.length === 0 ? '' : ` (${shown.join(', ')})`;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number') return String(Math.round(value));
  return Array.isArray(value) ? value.join(' ') : String(value);
}

function leftOutSince(before: LastLine | undefined, now: number): string {
  if (before === undefined || before.leftOut === 0) return '';
  return `; ${before.leftOut} more like it were left out in the last ${Math.round((now - before.at) / 1000)} s`;
}
