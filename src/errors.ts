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

/**
 * Why Moov is unavailable: 429, 5xx, no reply in time, no connection, a key that can't be read, a token store that could
 * not be asked for what is to be revoked, or `close()`.
 */
export type MoovUnavailableErrorCode =
  | 'ERR_MOOV_RATE_LIMITED'
  | 'ERR_MOOV_SERVER_ERROR'
  | 'ERR_MOOV_TIMEOUT'
  | 'ERR_MOOV_NETWORK'
  | 'ERR_MOOV_KEY_UNREADABLE'
  | 'ERR_MOOV_ANOTHER_FAILED'
  | 'ERR_MOOV_STORE_UNAVAILABLE'
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

/**
 * What an error of this package is made of, beside its message.
 *
 * @typeParam Code - The codes that the class has.
 */
export interface MoovErrorDetails<Code extends MoovErrorCode = MoovErrorCode> {
  /** The machine-readable reason. */
  code: Code;
  /** Headers the host should answer with, such as `Retry-After`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** The status Moov answered with, if it answered. */
  upstreamStatus?: number | undefined;
  /** Moov's `x-request-id`. */
  requestId?: string | undefined;
  /** What led to it, without secrets: never an Axios error of the OAuth endpoints. */
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
  /** The machine-readable reason: stable, while messages are not. */
  readonly code: MoovErrorCode;
  // Declared, so that what is not known is absent, and not a line with `undefined` in every log.
  /** Headers the host should answer with, such as `Retry-After` in seconds. Absent when there are none. */
  declare readonly headers?: Readonly<Record<string, string>>;
  /** The status Moov answered with. Absent when it did not answer. */
  declare readonly upstreamStatus?: number;
  /** Moov's `x-request-id`, for its support. Absent when there was no reply, or none with it. */
  declare readonly requestId?: string;
  /** Set when the error left `req.moov`. */
  declare readonly moov?: MoovCallInfo;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - What is known beside it.
   */
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
  /** 500: the fault is the host's own. */
  readonly status = 500;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   */
  constructor(message: string) {
    super(message, { code: 'ERR_MOOV_CONFIG' });
  }
}

/** Moov refused to mint a token (RFC 6749 section 5.2), or answered the request for one with something that is none. */
export class MoovTokenError extends MoovAuthError {
  /** 502: Moov is upstream of the host. */
  readonly status = 502;
  /** What was refused, or that the reply is no token. */
  declare readonly code: MoovTokenErrorCode;
  /** The fields Moov found fault with (422), and what it said of each. */
  declare readonly fields?: Readonly<Record<string, string>>;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - What is known beside it.
   */
  constructor(
    message: string,
    details: MoovErrorDetails<MoovTokenErrorCode> & {
      /** The fields Moov found fault with (422), and what it said of each. */
      fields?: Readonly<Record<string, string>> | undefined;
    },
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
  /** 503: it may pass. */
  readonly status = 503;
  /** What is in the way. */
  declare readonly code: MoovUnavailableErrorCode;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - What is known beside it.
   */
  constructor(message: string, details: MoovErrorDetails<MoovUnavailableErrorCode>) {
    super(message, details);
  }
}

/** Moov answered a revocation (RFC 7009 section 2.2.1) with something other than success. The token may still be valid. */
export class MoovRevokeError extends MoovAuthError {
  /** 502: Moov is upstream of the host. */
  readonly status = 502;
  /** The fields Moov found fault with (422), and what it said of each. */
  declare readonly fields?: Readonly<Record<string, string>>;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - What is known beside it.
   */
  constructor(
    message: string,
    details: MoovErrorDetails<'ERR_MOOV_REVOKE_REFUSED' | 'ERR_MOOV_CREDENTIALS_REFUSED'> & {
      /** The fields Moov found fault with (422), and what it said of each. */
      fields?: Readonly<Record<string, string>> | undefined;
    },
  ) {
    super(message, details);
    if (details.fields !== undefined) this.fields = details.fields;
  }
}

/** A scope can't be asked for as it stands. */
export class MoovScopeError extends MoovAuthError {
  /** 400: the account that fills a scope comes from the request as a rule. */
  readonly status = 400;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   */
  constructor(message: string) {
    super(message, { code: 'ERR_MOOV_SCOPE' });
  }
}

/** A call would have left Moov's origin: by its URL before anything was sent, or by a redirect that was not followed. */
export class MoovOriginError extends MoovAuthError {
  /** 500: the fault is the host's own. */
  readonly status = 500;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - What is known beside it.
   */
  constructor(message: string, details?: Omit<MoovErrorDetails, 'code'>) {
    super(message, { ...details, code: 'ERR_MOOV_ORIGIN' });
  }
}

/** A call had to be sent again, but its body is a stream that is used up. `cause` is what made it necessary. */
export class MoovReplayError extends MoovAuthError {
  /** 500: the fault is the host's own. */
  readonly status = 500;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - What is known beside it.
   */
  constructor(message: string, details?: Omit<MoovErrorDetails, 'code'>) {
    super(message, { ...details, code: 'ERR_MOOV_REPLAY' });
  }
}

/**
 * The error of something that took too long.
 *
 * @internal
 */
export function timeoutError(message: string): MoovUnavailableError {
  return new MoovUnavailableError(message, { code: 'ERR_MOOV_TIMEOUT' });
}

/**
 * What calls after `close()` reject with.
 *
 * @internal
 */
export function closedError(): MoovUnavailableError {
  return new MoovUnavailableError('This MoovAuth was closed', { code: 'ERR_MOOV_CLOSED' });
}
