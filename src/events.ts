import { ignoreErrors } from './utils/errors.js';

/** Something that happened, told through `onEvent` and, in the same form, through `logger`. No event holds a secret. */
export type MoovAuthEvent =
  | {
      /**
       * A token was obtained, the first of its scopes or a new one in its place. `token.taken`: from the store, where
       * another process, or another `MoovAuth`, had put it.
       */
      readonly type: 'token.obtained' | 'token.renewed' | 'token.taken';
      /** When it ends, by the local clock. */
      readonly expiresAt: Date;
      /** How long that took in milliseconds, attempts and waits included. */
      readonly durationMs: number;
    }
  | {
      /** A token could not be obtained. */
      readonly type: 'token.failed';
      /** The error's code, such as `ERR_MOOV_NETWORK`. */
      readonly code: string;
      /** The error's message. */
      readonly message: string;
      /** Whether an older token still serves. */
      readonly tokenHeld: boolean;
      /** When the next probe is due, in milliseconds from now. */
      readonly retryInMs: number;
    }
  | {
      /** The tokens held were given back. */
      readonly type: 'token.revoked';
      /** How many were. */
      readonly tokens: number;
      /** How many are out of service whose revocation Moov has not confirmed. */
      readonly pendingRevocations: number;
    }
  | {
      /** Moov did not confirm that the tokens held are revoked. */
      readonly type: 'token.revokeFailed';
      /** The error's code, such as `ERR_MOOV_REVOKE_REFUSED`. */
      readonly code: string;
      /** The error's message. */
      readonly message: string;
      /** How many are out of service whose revocation Moov has not confirmed. */
      readonly pendingRevocations: number;
    }
  | {
      /** Moov granted fewer scopes than were asked for; told once for each set of scopes. */
      readonly type: 'token.narrowed';
      /** The scopes that were not granted. */
      readonly missing: readonly string[];
    }
  | {
      /** A token was given that calls may be refused with; told once for each message. */
      readonly type: 'token.warning';
      /** What does not fit, such as the origin or the account, and what to do. */
      readonly message: string;
    }
  | {
      /** The store does not answer. Told once; until it is back this process obtains its own tokens. */
      readonly type: 'store.unavailable';
      /** Why, as the store said it. */
      readonly message: string;
      /** When it is tried again, in milliseconds from now. */
      readonly retryInMs: number;
    }
  | {
      /** The store answers again. */
      readonly type: 'store.available';
    }
  | {
      /** What the store holds for some scopes can't be decrypted with the keys given; it is replaced. */
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
      /** The status that made it necessary, or the error's code. */
      readonly reason: string;
    }
  | {
      /** A call is not sent again, as the retry budget is used up. */
      readonly type: 'call.budgetExhausted';
      /** The call's method. */
      readonly method: string;
      /** Its path, without the query. */
      readonly path: string;
    };

/** Where log lines go: the fields first and the message second, as pino takes them and console prints them. */
export interface MoovLogger {
  /**
   * What is of interest when something is looked into: renewals, replays, retries.
   *
   * @param fields - The event, as `onEvent` gets it.
   * @param message - `moov: ` and the event's type.
   */
  debug(fields: object, message: string): void;
  /**
   * What is as it should be: a token was obtained or given back.
   *
   * @param fields - The event, as `onEvent` gets it.
   * @param message - `moov: ` and the event's type.
   */
  info(fields: object, message: string): void;
  /**
   * What somebody should look at.
   *
   * @param fields - The event, as `onEvent` gets it.
   * @param message - `moov: ` and the event's type.
   */
  warn(fields: object, message: string): void;
  /**
   * What has failed: a token could not be obtained or given back.
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
  'token.warning': 'warn',
  'store.unavailable': 'warn',
  'store.available': 'info',
  'store.unreadable': 'warn',
  'store.warning': 'warn',
  'call.unauthorized': 'warn',
  'call.replayed': 'debug',
  'call.retried': 'debug',
  'call.budgetExhausted': 'warn',
};

/** One function that tells an event to both; what either throws, or rejects with, harms nothing. */
export function emitter(
  logger: MoovLogger | undefined,
  onEvent: ((event: MoovAuthEvent) => void) | undefined,
): Emit {
  if (logger === undefined && onEvent === undefined) return () => undefined;
  return (event) => {
    Object.freeze(event);
    ignoreErrors(() => onEvent?.(event));
    ignoreErrors(() => logger?.[levels[event.type]]({ ...event }, `moov: ${event.type}`));
  };
}
