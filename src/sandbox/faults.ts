import { assertKnown } from '../config/check-options.js';
import { LONGEST_TIMER_MS } from '../utils/timers.js';
import { describeType } from '../utils/value-type.js';
import { replyOf } from './http/reply.js';

/** Which requests a fault is for, and how many of them. */
interface FaultTarget {
  /** The request's method, in any case. Default: every method. */
  readonly method?: string;
  /** The path without its query: a string, slash first, is compared whole, a regular expression is searched for. */
  readonly path: string | RegExp;
  /** How many requests are affected; `Infinity` is allowed. Default 1. */
  readonly times?: number;
}

/** The fields by which the kinds of fault differ: each kind excludes those of the others. */
interface Excluded {
  /** @hidden */
  readonly status?: never;
  /** @hidden */
  readonly headers?: never;
  /** @hidden */
  readonly body?: never;
  /** @hidden */
  readonly drop?: never;
  /** @hidden */
  readonly truncate?: never;
}

/** Answers instead of handling the request: nothing is done. */
export interface AnswerFault extends FaultTarget, Pick<Excluded, 'drop' | 'truncate'> {
  /** The status of the response, 200 to 599. */
  readonly status: number;
  /** Headers of the response, in addition to `x-request-id`, which may be replaced. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /**
   * An object is sent as JSON, a string as it is, with `text/plain` unless `headers` say otherwise. Default: no body.
   */
  readonly body?: object | string;
  /** Milliseconds to wait first. */
  readonly delayMs?: number;
}

/**
 * Cuts the connection instead of responding: `'before'` the request is processed, or `'after'`, a lost response: the
 * transfer exists, and the caller does not know.
 */
export interface DropFault extends FaultTarget, Omit<Excluded, 'drop'> {
  /** When: before the request is acted on, or after. */
  readonly drop: 'before' | 'after';
  /** Milliseconds to wait first. */
  readonly delayMs?: number;
}

/**
 * Handles the request, announces the whole response and cuts the connection in the middle of its body. A response without
 * a body is lost completely.
 */
export interface TruncateFault extends FaultTarget, Omit<Excluded, 'truncate'> {
  /** Marks the kind of fault. */
  readonly truncate: true;
  /** Milliseconds to wait first. */
  readonly delayMs?: number;
}

/** Waits, then handles the request normally, even if its client is gone by then. */
export interface DelayFault extends FaultTarget, Excluded {
  /** Milliseconds to wait. */
  readonly delayMs: number;
}

/** One kind of trouble for the requests it names; see `MoovSandbox.fail`. */
export type FaultRule = AnswerFault | DropFault | TruncateFault | DelayFault;

const fields = ['method', 'path', 'times', 'status', 'headers', 'body', 'delayMs', 'drop', 'truncate'];

/** The rules that are still to be used, in the order given. */
export class Faults {
  #rules: { readonly rule: FaultRule; left: number; readonly until: number }[] = [];

  /** The rules that are still to be used: for how many requests, and for how many milliseconds. */
  get pending(): readonly { readonly rule: FaultRule; readonly left: number; readonly leftMs: number }[] {
    this.#dropExpired();
    return this.#rules.map(({ rule, left, until }) => ({ rule, left, leftMs: until - performance.now() }));
  }

  /**
   * @param lifeMs - How long the rule is in force at most.
   * @throws TypeError for a rule that can't be followed. The compiler stops most of them; this is for JavaScript.
   */
  add(rule: FaultRule, lifeMs = Number.POSITIVE_INFINITY): void {
    if (describeType(rule) !== 'an object') {
      throw new TypeError(
        `fail: expected a rule, such as { path: '/ping', status: 503 }; got ${describeType(rule)}.`,
      );
    }
    assertKnown({ name: 'fail', noun: 'field', Failure: TypeError }, rule, fields);
    const times = rule.times ?? 1;
    // Without its slash it would fit no request, and the test of an outage would pass without one.
    if (!(rule.path instanceof RegExp || (typeof rule.path === 'string' && rule.path.startsWith('/')))) {
      throw new TypeError(
        `path: expected a path with its leading slash, such as '/ping', or a regular expression; got ${describeType(rule.path)}${typeof rule.path === 'string' && rule.path !== '' ? ' without one' : ''}.`,
      );
    }
    if (times !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(times) && times > 0)) {
      throw new TypeError(
        `times: expected a whole number, at least 1, or Infinity; got ${describeType(times)}.`,
      );
    }
    if (rule.delayMs !== undefined && !(rule.delayMs >= 0 && rule.delayMs <= LONGEST_TIMER_MS)) {
      throw new TypeError(
        `delayMs: expected milliseconds from 0 to ${LONGEST_TIMER_MS}; got ${describeType(rule.delayMs)}.`,
      );
    }
    if (rule.drop !== undefined && rule.drop !== 'before' && rule.drop !== 'after') {
      throw new TypeError("drop: expected 'before' or 'after'.");
    }
    const ways = [rule.status, rule.drop, rule.truncate].filter((way) => way !== undefined).length;
    if (ways > 1 || (ways === 0 && rule.delayMs === undefined)) {
      throw new TypeError('A fault needs one of status, drop and truncate, or delayMs alone.');
    }
    if (rule.status !== undefined) replyOf(rule);
    this.#rules.push({ rule: { ...rule }, left: times, until: performance.now() + lifeMs });
  }

  clear(): void {
    this.#rules = [];
  }

  /** @returns the first rule for such a request, which is thereby used once. */
  take(method: string, pathname: string): FaultRule | undefined {
    this.#dropExpired();
    const found = this.#rules.find(({ rule }) => matches(rule, method, pathname));
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#rules = this.#rules.filter((entry) => entry !== found);
    return found.rule;
  }

  #dropExpired(): void {
    const now = performance.now();
    this.#rules = this.#rules.filter(({ until }) => until > now);
  }
}

function matches(rule: FaultTarget, method: string, pathname: string): boolean {
  if (rule.method !== undefined && rule.method.toUpperCase() !== method) return false;
  // search() and not test(): a global expression keeps no position between requests.
  return typeof rule.path === 'string' ? rule.path === pathname : pathname.search(rule.path) !== -1;
}
