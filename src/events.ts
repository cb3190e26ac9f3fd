import { harmless } from './harmless.js';

/** Something that happened, told through `onEvent` and, in the same form, through `logger`. No event holds a secret. */
export type MoovAuthEvent =
  | {
      /** `token.taken`: from the store, where another process, or another `MoovAuth`, had put it. */
      readonly type: 'token.obtained' | 'token.renewed' | 'token.taken';
      readonly expiresAt: Date;
      readonly durationMs: number;
    }
  | {
      readonly type: 'token.failed';
      readonly code: string;
      readonly message: string;
      /** Whether an older token still serves. */
      readonly tokenHeld: boolean;
      /** When the next probe is due, in milliseconds from now. */
      readonly retryInMs: number;
    }
  | { readonly type: 'token.revoked'; readonly tokens: number; readonly pendingRevocations: number }
  | {
      readonly type: 'token.revokeFailed';
      readonly code: string;
      readonly message: string;
      readonly pendingRevocations: number;
    }
  | {
      /** Moov granted fewer scopes than were asked for; told once for each set of scopes. */
      readonly type: 'token.narrowed';
      readonly missing: readonly string[];
    }
  | { readonly type: 'token.warning'; readonly message: string }
  | {
      /** The store does not answer. Told once; until it is back this process obtains its own tokens. */
      readonly type: 'store.unavailable';
      readonly message: string;
      /** When it is tried again, in milliseconds from now. */
      readonly retryInMs: number;
    }
  | { readonly type: 'store.available' }
  | {
      /** What the store holds for some scopes can't be decrypted with the keys given; it is replaced. */
      readonly type: 'store.unreadable';
    }
  | {
      readonly type: 'call.unauthorized';
      readonly method: string;
      readonly path: string;
      readonly renewing: boolean;
    }
  | { readonly type: 'call.replayed'; readonly method: string; readonly path: string }
  | {
      readonly type: 'call.retried';
      readonly method: string;
      readonly path: string;
      readonly retry: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  | { readonly type: 'call.budgetExhausted'; readonly method: string; readonly path: string };

/** Where log lines go: the fields first and the message second, as pino takes them and console prints them. */
export interface MoovLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
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
    harmless(() => onEvent?.(event));
    harmless(() => logger?.[levels[event.type]]({ ...event }, `moov: ${event.type}`));
  };
}
