/**
 * What a call on `req.moov` went through; on every error that leaves it and on every response.
 */
export interface MoovCallInfo {
  /** How many requests were handed to the transport: 0 when none was sent. */
  readonly attempts: number;
  /** `true` when Moov may have acted on the call although no reply says so. */
  readonly ambiguous: boolean;
  /** Moov's `x-request-id` of the last reply, for its support. */
  readonly requestId?: string;
}

/** Why Moov gave no token: it refused the key, it refused the request, or its reply is no token. */
export type MoovTokenErrorCode =
  | 'ERR_MOOV_CREDENTIALS_REFUSED'
  | 'ERR_MOOV_TOKEN_REFUSED'
  | 'ERR_MOOV_TOKEN_REPLY';

/** Why Moov is unavailable: 429, 5xx, no reply in time, no connection, a key that can't be read, or `close()`. */
export type MoovUnavailableErrorCode =
  | 'ERR_MOOV_RATE_LIMITED'
  | 'ERR_MOOV_SERVER_ERROR'
  | 'ERR_MOOV_TIMEOUT'
  | 'ERR_MOOV_NETWORK'
  | 'ERR_MOOV_KEY_UNREADABLE'
  | 'ERR_MOOV_ANOTHER_FAILED'
  | 'ERR_MOOV_CLOSED';

/** The machine-readable reasons of this package's errors. They are stable; messages are not. */
export type MoovErrorCode =
  | MoovTokenErrorCode
  | MoovUnavailableErrorCode
  | 'ERR_MOOV_CONFIG'
  | 'ERR_MOOV_REVOKE_REFUSED'
  | 'ERR_MOOV_SCOPE'
  | 'ERR_MOOV_ORIGIN'
  | 'ERR_MOOV_REPLAY';

/** What an error of this package is made of, beside its message. */
export interface MoovErrorDetails<Code extends MoovErrorCode = MoovErrorCode> {
  code: Code;
  /** Headers the host should answer with, such as `Retry-After`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** The status Moov answered with, if it answered. */
  upstreamStatus?: number | undefined;
  /** Moov's `x-request-id`. */
  requestId?: string | undefined;
  cause?: unknown;
}

const brand = Symbol.for('express-moov-auth.error');

/**
 * Base of every error this package makes. No error of it holds a token, a key or a request's body.
 *
 * `status` is what the host server should answer, never Moov's own status; Express's default error
 * handler reads it, and `headers`, by itself.
 */
export abstract class MoovAuthError extends Error {
  /** What to answer the client of the host server with. */
  abstract readonly status: number;
  readonly code: MoovErrorCode;
  // Declared, so that what is not known is absent, and not a line with `undefined` in every log.
  declare readonly headers?: Readonly<Record<string, string>>;
  declare readonly upstreamStatus?: number;
  declare readonly requestId?: string;
  /** Set when the error left `req.moov`. */
  declare readonly moov?: MoovCallInfo;

  constructor(message: string, details: MoovErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
    this.code = details.code;
    if (details.headers !== undefined) this.headers = details.headers;
    if (details.upstreamStatus !== undefined) this.upstreamStatus = details.upstreamStatus;
    if (details.requestId !== undefined) this.requestId = details.requestId;
  }

  /** `false`: code that asks an Axios error's question of any error from `req.moov` gets a true answer. */
  get isAxiosError(): boolean {
    return false;
  }

  /** @returns what a log needs of the error, without its stack and its cause. */
  toJSON(): object {
    const { name, message, code, status, headers, upstreamStatus, requestId, moov } = this;
    return { name, message, code, status, headers, upstreamStatus, requestId, moov };
  }
}
Object.defineProperty(MoovAuthError.prototype, brand, { value: true });

/**
 * Whether a value is one of this package's errors, whichever of its builds (ES module or CommonJS) made it.
 *
 * @internal
 */
export function isMoovAuthError(value: unknown): value is MoovAuthError {
  return value instanceof Error && brand in value;
}

/** An option, a scope or a per-call setting is wrong. The message names it, what was expected and how to set it. */
export class MoovConfigError extends MoovAuthError {
  readonly status = 500;

  constructor(message: string) {
    super(message, { code: 'ERR_MOOV_CONFIG' });
  }
}

/** Moov refused to mint a token, or answered the request for one with something that is none. */
export class MoovTokenError extends MoovAuthError {
  readonly status = 502;
  declare readonly code: MoovTokenErrorCode;
  /** The fields Moov found fault with (422), and what it said of each. */
  declare readonly fields?: Readonly<Record<string, string>>;

  constructor(
    message: string,
    details: MoovErrorDetails<MoovTokenErrorCode> & { fields?: Readonly<Record<string, string>> | undefined },
  ) {
    super(message, details);
    if (details.fields !== undefined) this.fields = details.fields;
  }
}

/**
 * Moov can't be reached, is over its limits or failing, or the `MoovAuth` was closed. `headers['Retry-After']`
 * tells in seconds when to ask again, where that is known.
 */
export class MoovUnavailableError extends MoovAuthError {
  readonly status = 503;
  declare readonly code: MoovUnavailableErrorCode;

  constructor(message: string, details: MoovErrorDetails<MoovUnavailableErrorCode>) {
    super(message, details);
  }
}

/** Moov answered a revocation with something other than success. The token may still be valid. */
export class MoovRevokeError extends MoovAuthError {
  readonly status = 502;
  /** The fields Moov found fault with (422), and what it said of each. */
  declare readonly fields?: Readonly<Record<string, string>>;

  constructor(
    message: string,
    details: MoovErrorDetails<'ERR_MOOV_REVOKE_REFUSED' | 'ERR_MOOV_CREDENTIALS_REFUSED'> & {
      fields?: Readonly<Record<string, string>> | undefined;
    },
  ) {
    super(message, details);
    if (details.fields !== undefined) this.fields = details.fields;
  }
}

/** A scope can't be asked for as it stands. */
export class MoovScopeError extends MoovAuthError {
  readonly status = 400;

  constructor(message: string) {
    super(message, { code: 'ERR_MOOV_SCOPE' });
  }
}

/** A call would have left Moov's origin: by its URL before anything was sent, or by a redirect that was not followed. */
export class MoovOriginError extends MoovAuthError {
  readonly status = 500;

  constructor(message: string, details?: Omit<MoovErrorDetails, 'code'>) {
    super(message, { ...details, code: 'ERR_MOOV_ORIGIN' });
  }
}

/** A call had to be sent again, but its body is a stream that is used up. `cause` is what made it necessary. */
export class MoovReplayError extends MoovAuthError {
  readonly status = 500;

  constructor(message: string, details?: Omit<MoovErrorDetails, 'code'>) {
    super(message, { ...details, code: 'ERR_MOOV_REPLAY' });
  }
}
