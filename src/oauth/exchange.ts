import type { Credentials } from '../config/connection-options.js';
import { MoovUnavailableError } from '../errors.js';
import { retryAfterHeader, retryAfterMs } from '../utils/retry-after.js';
import type { EndpointResponse } from './endpoint.js';
import { BROKEN_JSON } from './response-body.js';
import { readRefusal } from './response-schemas.js';
import type { RetryOptions } from './retry.js';

/** Common parameters of token requests and revocations. */
export interface Exchange extends RetryOptions {
  /** Read before each attempt, so that a rotated key is used at once. */
  credentials: () => Promise<Credentials>;
  headers: Readonly<Record<string, string>>;
}

/**
 * Reads the key until the attempt ends, so that a secret store that hangs cannot outlast the time limit or the signal.
 */
export function currentKey({ credentials }: Exchange, signal: AbortSignal): Promise<Credentials> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(
        new MoovUnavailableError('The functions for clientId and clientSecret did not return a key in time', {
          code: 'ERR_MOOV_KEY_UNREADABLE',
        }),
      );
    if (signal.aborted) return late();
    signal.addEventListener('abort', late);
    credentials()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', late));
  });
}

/** Removes the secrets of a request from a text. */
export type Clean = (text: string) => string;

/** Request Timeout and Too Early: both ask for a retry. Moov does not document them. */
const TRY_AGAIN: readonly number[] = [408, 425, 429];

/** OAuth's error codes for a temporary failure (RFC 6749 section 4.1.2.1), whatever the status. */
const passing: readonly (string | undefined)[] = ['temporarily_unavailable', 'server_error'];

/** The interpretation of a response that is not a success. */
export interface Verdict {
  /** Whether a retry may succeed. Otherwise Moov refused the request. */
  readonly mayPass: boolean;
  /** Whether Moov refused the API key. */
  readonly ofCredentials: boolean;
  /** Moov's own text, to be appended to a message. Secrets of the request are removed from it. */
  readonly words: string;
  /** The invalid fields, each with Moov's reason. */
  readonly fields?: Record<string, string>;
}

/**
 * Interprets a failed response. The status line decides first: the body cannot change the meaning of 401, 429 and 5xx.
 *
 * An HTML page with another 4xx comes from a gateway, such as a firewall that blocks an address. Moov's own 403 has no
 * body, and its other refusals are JSON. Such a failure may be temporary, and says nothing about the key.
 */
export function judge({ status, body, foreign }: EndpointResponse, clean: Clean): Verdict {
  const { error, code, fields } = foreign === undefined ? readRefusal(body, clean) : {};
  const ofGateway = foreign !== undefined && foreign !== BROKEN_JSON && status !== 401;
  const mayPass =
    TRY_AGAIN.includes(status) || status >= 500 || ofGateway || (status !== 401 && passing.includes(code));
  const ofCredentials = !mayPass && (status === 401 || status === 403 || code === 'invalid_client');
  if (foreign !== undefined) {
    const words = `: the response is not from Moov (${clean(foreign).slice(0, 80)})`;
    return { mayPass, ofCredentials, words };
  }
  if (error !== undefined) return { mayPass, ofCredentials, words: `: ${error}` };
  if (fields === undefined) return { mayPass, ofCredentials, words: '' };
  const list = Object.entries(fields).map(([name, text]) => `${name}: ${text}`);
  return { mayPass, ofCredentials, words: `: ${list.join('; ')}`, fields };
}

/** Returns the error for a {@link Verdict} that may be temporary. */
export function unavailable(response: EndpointResponse, words: string): MoovUnavailableError {
  const { status, headers, requestId } = response;
  return new MoovUnavailableError(`${whatFailed(response)}${words}`, {
    code: status === 429 ? 'ERR_MOOV_RATE_LIMITED' : 'ERR_MOOV_SERVER_ERROR',
    headers: retryAfterHeader(retryAfterMs(headers, Date.now())),
    upstreamStatus: status,
    requestId,
  });
}

function whatFailed({ status, foreign }: EndpointResponse): string {
  if (status === 429) return "Moov's rate limit was hit (429)";
  const ofGateway = foreign !== undefined && status < 500;
  return ofGateway ? `A gateway in front of Moov answered (${status})` : `Moov failed (${status})`;
}
