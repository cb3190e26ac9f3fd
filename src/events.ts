import type { Log, LogEntry } from './logging/log.js';
import { ignoreErrors } from './utils/errors.js';
import { withoutQuery } from './utils/without-query.js';

/**
 * What a token may do, in every event about one.
 *
 * @inline
 */
interface TokenFields {
  /** The scopes of the token, or those that were asked for where there is none. */
  readonly scopes: readonly string[];
  /** The accounts that these scopes name. */
  readonly accounts: readonly string[];
}

/**
 * Which call it is, in every event about one.
 *
 * @inline
 */
interface CallFields {
  /** The call's method. */
  readonly method: string;
  /** Its path, without the query. */
  readonly path: string;
  /** Moov's `x-request-id` of the response that the event is about. Absent when there was none. */
  readonly requestId?: string;
}

/** An event, passed to `onEvent` and logged through `logger`. It contains no secrets and no query strings. */
export type MoovAuthEvent =
  | (TokenFields & {
      /**
       * There is a new token: the first one of its scopes, or one that replaces an older one. `token.taken`: it came
       * from the store, where another process, or another `MoovAuth`, had put it.
       */
      readonly type: 'token.obtained' | 'token.renewed' | 'token.taken';
      /** When it expires, by the local clock. */
      readonly expiresAt: Date;
      /** How long the request took in milliseconds, attempts and waits included. */
      readonly durationMs: number;
    })
  | (TokenFields & {
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
    })
  | (TokenFields & {
      /** `browserTokenRouter` has given a token to a client. */
      readonly type: 'browserToken.issued';
      /** When it expires, by the local clock. */
      readonly expiresAt: Date;
    })
  | (Partial<TokenFields> & {
      /**
       * `revokeRouter` has revoked the token that a client sent. What it was allowed to do is known if this `MoovAuth`
       * issued it, and it is one of the last 10,000.
       */
      readonly type: 'browserToken.revoked';
      /** When it would have expired. */
      readonly expiresAt?: Date;
    })
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
  | (TokenFields & {
      /** Moov granted fewer scopes than requested. Emitted once per set of scopes. */
      readonly type: 'token.narrowed';
      /** The scopes that were not granted. */
      readonly missing: readonly string[];
    })
  | (TokenFields & {
      /** Moov granted more scopes than were requested. Emitted once for each set of scopes. */
      readonly type: 'token.widened';
      /** The scopes that were granted without being requested. */
      readonly extra: readonly string[];
    })
  | (TokenFields & {
      /** The token does not match the configuration, so calls may be rejected. Emitted once for each message. */
      readonly type: 'token.warning';
      /** What does not fit, such as the origin or the account, and what to do. */
      readonly message: string;
    })
  | {
      /** Something in the options is most likely a mistake. Emitted once for each message. */
      readonly type: 'config.warning';
      /** What it is, and what was most likely meant. */
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
  | (CallFields & {
      /** Moov answered a call with 401. What becomes of it is said by `call.replayed` or `call.refused`. */
      readonly type: 'call.unauthorized';
      /** Whether it waits for a new token. */
      readonly renewing: boolean;
    })
  | (CallFields & {
      /** Moov refused a call with 401 or 403, also with a new token. The caller gets that response. */
      readonly type: 'call.refused';
      /** The status of the response. */
      readonly status: 401 | 403;
      /** The same as the code of the call's problem. */
      readonly code: 'ERR_MOOV_UNAUTHORIZED' | 'ERR_MOOV_FORBIDDEN';
      /** What it can mean, and what to do. */
      readonly message: string;
      /** The scopes of the token. */
      readonly scopes: readonly string[];
    })
  | (CallFields & {
      /** A call is sent again with another token, after a 401. */
      readonly type: 'call.replayed';
    })
  | (CallFields & {
      /** A call is to be sent again, after 429, 5xx, a time-out or a network error. */
      readonly type: 'call.retried';
      /** Which retry it is, from 1. */
      readonly retry: number;
      /** The wait before it, in milliseconds. */
      readonly delayMs: number;
      /** The status that caused it, or the error's code. */
      readonly reason: string;
    })
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
  | (CallFields & {
      /** A call waits for its turn under a rate limit. */
      readonly type: 'call.throttled';
      /** How many calls wait, with this one. */
      readonly waiting: number;
    })
  | (CallFields & {
      /** A call is not sent again, as the retry budget is used up. */
      readonly type: 'call.budgetExhausted';
    });

/** Reports an event; `failure` is the error that it is about, which others may log too. */
export type Emit = (event: MoovAuthEvent, failure?: object) => void;

/** How important each event is. */
export const eventLevels: Readonly<Record<MoovAuthEvent['type'], LogEntry['level']>> = {
  'token.obtained': 'info',
  'token.renewed': 'debug',
  'token.taken': 'debug',
  'token.failed': 'error',
  'token.revoked': 'info',
  'token.revokeFailed': 'error',
  'token.narrowed': 'warn',
  'token.widened': 'warn',
  'token.warning': 'warn',
  'browserToken.issued': 'info',
  'browserToken.revoked': 'info',
  'config.warning': 'warn',
  'store.unavailable': 'warn',
  'store.available': 'info',
  'store.unreadable': 'warn',
  'store.warning': 'warn',
  'call.unauthorized': 'info',
  'call.refused': 'warn',
  'call.replayed': 'debug',
  'call.retried': 'debug',
  'call.budgetExhausted': 'warn',
  'call.throttled': 'debug',
  'rateLimit.reached': 'warn',
  'rateLimit.cleared': 'info',
};

/** Returns one function that passes an event to both. Errors from either are ignored. */
export function emitter(log: Log | undefined, onEvent: ((event: MoovAuthEvent) => void) | undefined): Emit {
  if (log === undefined && onEvent === undefined) return () => undefined;
  return (given, failure) => {
    const event = Object.freeze(withBarePath(given));
    ignoreErrors(() => onEvent?.(event));
    ignoreErrors(() => log?.write(entryOf(event), failure));
  };
}

/** A query string may name people, and metrics would have a time series for each. */
function withBarePath(event: MoovAuthEvent): MoovAuthEvent {
  // Its own: a renewal must not fail because somebody put a path on Object.prototype.
  return Object.hasOwn(event, 'path') && 'path' in event && event.path !== undefined
    ? { ...event, path: withoutQuery(event.path) }
    : event;
}

/** The message of an event is a part of the line, and not a field beside it, which some loggers would take for the line. */
function entryOf(event: MoovAuthEvent): LogEntry {
  const { message, ...fields } = { message: undefined, ...event };
  const { type } = event;
  return {
    level: eventLevels[type],
    message: message === undefined ? type : `${type}: ${message}`,
    fields,
    kind: `${type} ${'code' in event ? event.code : message}`,
  };
}
