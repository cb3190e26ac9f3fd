/**
 * The outcome of a call on `req.moov`: `moov` of every error of a call, and of every response.
 */
export interface MoovCallInfo {
  /** How many requests were handed to the transport: 0 when none was sent. */
  readonly attempts: number;
  /** `true` when Moov may have acted on the call, but no response confirms it. */
  readonly ambiguous: boolean;
  /** Moov's `x-request-id` of the last response, for Moov's support. */
  readonly requestId?: string;
}

/** Why Moov issued no token: it refused the key, it refused the request, or its response was not a token. */
export type MoovTokenErrorCode =
  | 'ERR_MOOV_CREDENTIALS_REFUSED'
  | 'ERR_MOOV_TOKEN_REFUSED'
  | 'ERR_MOOV_TOKEN_REPLY';

/**
 * Why Moov is unavailable: 429, 5xx, no response in time, no connection, a key that can't be read, a token store that could
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

/**
 * Why a webhook delivery is refused: its signature or its timestamp, its body, or because the same delivery is being
 * handled.
 */
export type MoovWebhookErrorCode =
  | 'ERR_MOOV_WEBHOOK_SIGNATURE'
  | 'ERR_MOOV_WEBHOOK_EXPIRED'
  | 'ERR_MOOV_WEBHOOK_BODY'
  | 'ERR_MOOV_WEBHOOK_TOO_LARGE'
  | 'ERR_MOOV_WEBHOOK_IN_PROGRESS';

/** The machine-readable reasons of this package's errors. They are stable; messages are not. */
export type MoovErrorCode =
  | MoovTokenErrorCode
  | MoovUnavailableErrorCode
  | MoovWebhookErrorCode
  | 'ERR_MOOV_CONFIG'
  | 'ERR_MOOV_REVOKE_REFUSED'
  | 'ERR_MOOV_SCOPE'
  | 'ERR_MOOV_ORIGIN'
  | 'ERR_MOOV_REPLAY';

/**
 * What became of a call on `req.moov` or `moov.fetch` that failed: the `code` of its problem. The `code` of the error
 * itself stays that of Axios.
 */
export type MoovCallCode =
  | 'ERR_MOOV_BAD_REQUEST'
  | 'ERR_MOOV_UNAUTHORIZED'
  | 'ERR_MOOV_FORBIDDEN'
  | 'ERR_MOOV_NOT_FOUND'
  | 'ERR_MOOV_CONFLICT'
  | 'ERR_MOOV_VALIDATION'
  | 'ERR_MOOV_RATE_LIMITED'
  | 'ERR_MOOV_REFUSED'
  | 'ERR_MOOV_REDIRECT'
  | 'ERR_MOOV_SERVER_ERROR'
  | 'ERR_MOOV_TIMEOUT'
  | 'ERR_MOOV_NETWORK'
  | 'ERR_MOOV_RESPONSE'
  | 'ERR_MOOV_CANCELED'
  | 'ERR_MOOV_CALL';

/**
 * The properties of an error of this package, apart from its message.
 *
 * @typeParam Code - The codes that the class has.
 */
export interface MoovErrorDetails<Code extends MoovErrorCode = MoovErrorCode> {
  /** The machine-readable reason. */
  code: Code;
  /** Headers that the host server should respond with, such as `Retry-After`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** The status of Moov's response, if there was one. */
  upstreamStatus?: number | undefined;
  /** Moov's `x-request-id`. */
  requestId?: string | undefined;
  /** The underlying error, without secrets: never an Axios error of the OAuth endpoints. */
  cause?: unknown;
}

const brand = Symbol.for('express-moov-auth.error');

/**
 * The base class of this package's errors. None of them contains a token, a key or a request's body.
 *
 * `status` is the status that the host server should respond with, never Moov's own. Express's default error handler
 * uses it, and `headers`.
 */
export abstract class MoovAuthError extends Error {
  /** The status that the host server should respond with. */
  abstract readonly status: number;
  /** The machine-readable reason: stable, while messages are not. */
  readonly code: MoovErrorCode;
  // Declared only, so that an unknown one is absent instead of `undefined` in every log.
  /** Headers that the host server should respond with, such as `Retry-After` in seconds. Absent when there are none. */
  declare readonly headers?: Readonly<Record<string, string>>;
  /** The status of Moov's response. Absent when there was none. */
  declare readonly upstreamStatus?: number;
  /** Moov's `x-request-id`, for Moov's support. Absent when there was no response, or it had none. */
  declare readonly requestId?: string;
  /** Set when the error is that of a call. */
  declare readonly moov?: MoovCallInfo;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - Its other properties.
   */
  constructor(message: string, details: MoovErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
    this.code = details.code;
    if (details.headers !== undefined) this.headers = details.headers;
    if (details.upstreamStatus !== undefined) this.upstreamStatus = details.upstreamStatus;
    if (details.requestId !== undefined) this.requestId = details.requestId;
  }

  /** `false`, so that code which checks this on every error of `req.moov` can tell them from Axios's errors. */
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
  /** 500: the host application's own mistake. */
  readonly status = 500;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - Its other properties.
   */
  constructor(message: string, details?: Omit<MoovErrorDetails, 'code'>) {
    super(message, { ...details, code: 'ERR_MOOV_CONFIG' });
  }
}

/** Moov refused a request to one of its OAuth endpoints. */
abstract class MoovRefusalError<Code extends MoovErrorCode> extends MoovAuthError {
  /** 502: Moov is upstream of the host. */
  readonly status = 502;
  /** The fields that Moov rejected (422), each with Moov's reason. */
  declare readonly fields?: Readonly<Record<string, string>>;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - Its other properties.
   */
  constructor(
    message: string,
    details: MoovErrorDetails<Code> & {
      /** The fields that Moov rejected (422), each with Moov's reason. */
      fields?: Readonly<Record<string, string>> | undefined;
    },
  ) {
    super(message, details);
    if (details.fields !== undefined) this.fields = details.fields;
  }
}

/** Moov refused to issue a token (RFC 6749 section 5.2), or its response was not a token. */
export class MoovTokenError extends MoovRefusalError<MoovTokenErrorCode> {
  /** What was refused, or that the response was not a token. */
  declare readonly code: MoovTokenErrorCode;
}

/**
 * Moov can't be reached, limits the rate or fails, or the `MoovAuth` was closed. `headers['Retry-After']` says, in
 * seconds, when to try again, if that is known.
 */
export class MoovUnavailableError extends MoovAuthError {
  /** 503: the cause may be temporary. */
  readonly status = 503;
  /** Why Moov is unavailable. */
  declare readonly code: MoovUnavailableErrorCode;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - Its other properties.
   */
  constructor(message: string, details: MoovErrorDetails<MoovUnavailableErrorCode>) {
    super(message, details);
  }
}

/** Moov did not revoke a token (RFC 7009 section 2.2.1). The token may still be valid. */
export class MoovRevokeError extends MoovRefusalError<
  'ERR_MOOV_REVOKE_REFUSED' | 'ERR_MOOV_CREDENTIALS_REFUSED'
> {}

/** A scope cannot be requested: its account is missing or invalid. */
export class MoovScopeError extends MoovAuthError {
  /** 400: the account of a scope usually comes from the request. */
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

/** A call would have left Moov's origin: by its URL, before anything was sent, or by a redirect, which was not followed. */
export class MoovOriginError extends MoovAuthError {
  /** 500: the host application's own mistake. */
  readonly status = 500;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - Its other properties.
   */
  constructor(message: string, details?: Omit<MoovErrorDetails, 'code'>) {
    super(message, { ...details, code: 'ERR_MOOV_ORIGIN' });
  }
}

/** A call had to be sent again, but its body is a stream that was already read. `cause` is the reason to send it again. */
export class MoovReplayError extends MoovAuthError {
  /** 500: the host application's own mistake. */
  readonly status = 500;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - Its other properties.
   */
  constructor(message: string, details?: Omit<MoovErrorDetails, 'code'>) {
    super(message, { ...details, code: 'ERR_MOOV_REPLAY' });
  }
}

const webhookStatuses = {
  ERR_MOOV_WEBHOOK_SIGNATURE: 401,
  ERR_MOOV_WEBHOOK_EXPIRED: 401,
  ERR_MOOV_WEBHOOK_BODY: 400,
  ERR_MOOV_WEBHOOK_TOO_LARGE: 413,
  ERR_MOOV_WEBHOOK_IN_PROGRESS: 409,
} as const satisfies Record<MoovWebhookErrorCode, number>;

/** A webhook delivery is refused. Moov sends it again, for up to 24 hours. */
export class MoovWebhookError extends MoovAuthError {
  /**
   * 401 for a signature or timestamp that is wrong or missing, 400 for a body that is missing or no event, 413 for one
   * over 256 KiB, 409 while the same delivery is being handled.
   */
  readonly status: number;
  /** Why the delivery is refused. */
  declare readonly code: MoovWebhookErrorCode;

  /**
   * For this package, and for tests of what handles its errors.
   *
   * @param message - What happened and what to do, without secrets.
   * @param details - Its other properties.
   */
  constructor(message: string, details: MoovErrorDetails<MoovWebhookErrorCode>) {
    super(message, details);
    this.status = webhookStatuses[details.code];
  }
}

/**
 * Returns the error for an operation that took too long.
 *
 * @internal
 */
export function timeoutError(message: string): MoovUnavailableError {
  return new MoovUnavailableError(message, { code: 'ERR_MOOV_TIMEOUT' });
}

/**
 * Returns the error for calls after `close()`.
 *
 * @internal
 */
export function closedError(): MoovUnavailableError {
  return new MoovUnavailableError('This MoovAuth was closed', { code: 'ERR_MOOV_CLOSED' });
}
