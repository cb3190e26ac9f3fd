import { ignoreErrors } from './utils/errors.js';

/** An event, passed to `onEvent` and logged through `logger`. It contains no secrets and no query strings. */
export type MoovAuthEvent =
  | {
      /**
       * There is a new token: the first one of its scopes, or one that replaces an older one. `token.taken`: it came
       * from the store, where another process, or another `MoovAuth`, had put it.
       */
      readonly type: 'token.obtained' | 'token.renewed' | 'token.taken';
      /** When it expires, by the local clock. */
      readonly expiresAt: Date;
      /** How long the request took in milliseconds, attempts and waits included. */
      readonly durationMs: number;
    }
  | {
      /** A token request failed. */
      readonly type: 'token.failed';
      /** The error's code, such as `ERR_MOOV_NETWORK`. */
      readonly code: string;
      /** The error's message. */
      readonly message: string;
      /** Whether an older token is still valid. */
      readonly tokenHeld: boolean;
      /** When the request is retried, in milliseconds from now. */
      readonly retryInMs: number;
    }
  | {
      /** The tokens held were revoked. */
      readonly type: 'token.revoked';
      /** How many were. */
      readonly tokens: number;
      /** How many are no longer used, but not yet confirmed by Moov as revoked. */
      readonly pendingRevocations: number;
    }
  | {
      /** Moov did not confirm that the tokens held are revoked. */
      readonly type: 'token.revokeFailed';
      /** The error's code, such as `ERR_MOOV_REVOKE_REFUSED`. */
      readonly code: string;
      /** The error's message. */
      readonly message: string;
      /** How many are no longer used, but not yet confirmed by Moov as revoked. */
      readonly pendingRevocations: number;
    }
  | {
      /** Moov granted fewer scopes than requested. Emitted once per set of scopes. */
      readonly type: 'token.narrowed';
      /** The scopes that were not granted. */
      readonly missing: readonly string[];
    }
  | {
      /** Moov granted more scopes than were requested. Emitted once for each set of scopes. */
      readonly type: 'token.widened';
      /** The scopes that were granted without being requested. */
      readonly extra: readonly string[];
    }
  | {
      /** The token does not match the configuration, so calls may be rejected. Emitted once for each message. */
      readonly type: 'token.warning';
      /** What does not fit, such as the origin or the account, and what to do. */
      readonly message: string;
    }
  | {
      /** The store is unavailable. Emitted once per outage; meanwhile this process requests its own tokens. */
      readonly type: 'store.unavailable';
      /** The store's own message. */
      readonly message: string;
      /** When the store is tried again, in milliseconds from now. */
      readonly retryInMs: number;
    }
  | {
      /** The store is available again. */
      readonly type: 'store.available';
    }
  | {
      /** A token in the store cannot be decrypted with the keys given. It is replaced. */
      readonly type: 'store.unreadable';
    }
  | {
      /** The store works, but lacks something, such as a right or a setting. Emitted once for each message. */
      readonly type: 'store.warning';
      /** What it lacks, what that costs, and what to do. */
      readonly message: string;
    }
  | {
      /** Moov answered a call with 401. */
      readonly type: 'call.unauthorized';
      /** The call's method. */
      readonly method: string;
      /** Its path, without the query. */
      readonly path: string;
      /** Whether it waits for a new token. */
      readonly renewing: boolean;
    }
  | {
      /** A call is sent again with another token, after a 401. */
      readonly type: 'call.replayed';
      /** The call's method. */
      readonly method: string;
      /** Its path, without the query. */
      readonly path: string;
    }
  | {
      /** A call is to be sent again, after 429, 5xx, a time-out or a network error. */
      readonly type: 'call.retried';
      /** The call's method. */
      readonly method: string;
      /** Its path, without the query. */
      readonly path: string;
      /** Which retry it is, from 1. */
      readonly retry: number;
      /** The wait before it, in milliseconds. */
      readonly delayMs: number;
      /** The status that caused it, or the error's code. */
      readonly reason: string;
    }
  | {
      /**
       * Moov answered 429, and calls wait. Emitted once each time that calls are held, not once for each call.
       */
      readonly type: 'rateLimit.reached';
      /** The account whose calls wait. Absent if all calls wait, or those that are about no account. */
      readonly accountID?: string;
      /** The path whose calls wait, if the path has a limit of its own. */
      readonly path?: string;
      /** The rate at which calls go on: the rate that was seen to pass. */
      readonly requestsPerSecond: number;
      /** How much longer no call is sent, in milliseconds. */
      readonly holdMs: number;
      /** How many calls wait. */
      readonly waiting: number;
    }
  | {
      /** No call has waited for a minute: the limit is forgotten. */
      readonly type: 'rateLimit.cleared';
      /** As of `rateLimit.reached`. */
      readonly accountID?: string;
      /** As of `rateLimit.reached`. */
      readonly path?: string;
    }
  | {
      /** A call waits for its turn under a rate limit. */
      readonly type: 'call.throttled';
      /** The call's method. */
      readonly method: string;
      /** Its path, without the query. */
      readonly path: string;
      /** How many calls wait, with this one. */
      readonly waiting: number;
    }
  | {
      /** A call is not sent again, as the retry budget is used up. */
      readonly type: 'call.budgetExhausted';
      /** The call's method. */
      readonly method: string;
      /** Its path, without the query. */
      readonly path: string;
    };

/**
 * Where log lines go. The fields come first and the message second, as pino and bunyan take them. An object that has a
 * method `log` too, as console and winston have, gets the message first.
 */
export interface MoovLogger {
  /**
   * For debugging: renewals, replays, retries.
   *
   * @param fields - The event, as `onEvent` gets it.
   * @param message - `moov: ` and the event's type.
   */
  debug(fields: object, message: string): void;
  /**
   * For normal operation: the first token was issued, or tokens were revoked.
   *
   * @param fields - The event, as `onEvent` gets it.
   * @param message - `moov: ` and the event's type.
   */
  info(fields: object, message: string): void;
  /**
   * For what may need attention.
   *
   * @param fields - The event, as `onEvent` gets it.
   * @param message - `moov: ` and the event's type.
   */
  warn(fields: object, message: string): void;
  /**
   * For failures: a token request or a revocation failed.
   *
   * @param fields - The event, as `onEvent` gets it.
   * @param message - `moov: ` and the event's type.
   */
  error(fields: object, message: string): void;
}

export type Emit = (event: MoovAuthEvent) => void;

const levels: Readonly<Record<MoovAuthEvent['type'], keyof MoovLogger>> = {
  'token.obtained': 'info',
  'token.renewed': 'debug',
  'token.taken': 'debug',
  'token.failed': 'error',
  'token.revoked': 'info',
  'token.revokeFailed': 'error',
  'token.narrowed': 'warn',
  'token.widened': 'warn',
  'token.warning': 'warn',
  'store.unavailable': 'warn',
  'store.available': 'info',
  'store.unreadable': 'warn',
  'store.warning': 'warn',
  'call.unauthorized': 'warn',
  'call.replayed': 'debug',
  'call.retried': 'debug',
  'call.budgetExhausted': 'warn',
  'call.throttled': 'debug',
  'rateLimit.reached': 'warn',
  'rateLimit.cleared': 'info',
};

/** Returns one function that passes an event to both. Errors from either are ignored. */
export function emitter(
  logger: MoovLogger | undefined,
  onEvent: ((event: MoovAuthEvent) => void) | undefined,
): Emit {
  if (logger === undefined && onEvent === undefined) return () => undefined;
  return (given) => {
    const event = Object.freeze(withoutQuery(given));
    ignoreErrors(() => onEvent?.(event));
    ignoreErrors(() => logger && log(logger, levels[event.type], { ...event }, `moov: ${event.type}`));
  };
}

/** A query string may name people, and metrics would have a time series for each. */
function withoutQuery(event: MoovAuthEvent): MoovAuthEvent {
  return 'path' in event && event.path !== undefined
    ? { ...event, path: event.path.replace(/[?#].*$/s, '') }
    : event;
}

/** winston prints an object that comes first as "[object Object]"; pino and bunyan drop one that comes second. */
function log(logger: MoovLogger, level: keyof MoovLogger, fields: object, message: string): unknown {
  const messageFirst = 'log' in logger && typeof logger.log === 'function';
  return Reflect.apply(logger[level], logger, messageFirst ? [message, fields] : [fields, message]);
}
