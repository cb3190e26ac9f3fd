import type { Credentials } from '../config/connection-options.js';
import { MoovUnavailableError } from '../errors.js';
import { retryAfterHeader, retryAfterMs } from '../utils/retry-after.js';
import type { EndpointResponse } from './endpoint.js';
import { BROKEN_JSON } from './response-body.js';
import { readRefusal } from './response-schemas.js';
import type { RetryOptions } from './retry.js';

/** What requests for a token and revocations are given alike. */
export interface Exchange extends RetryOptions {
  /** Read before each attempt, so that a rotated key is used at once. */
  credentials: () => Promise<Credentials>;
  headers: Readonly<Record<string, string>>;
}

/** Ends with the attempt: a secret store that hangs must not outlast the time limit, or the caller's signal. */
export function currentKey({ credentials }: Exchange, signal: AbortSignal): Promise<Credentials> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(
        new MoovUnavailableError('The functions for clientId and clientSecret gave no key in time', {
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

/** Takes the secrets of a request out of a text. */
export type Clean = (text: string) => string;

/** Request Timeout and Too Early: both ask for another try, and neither is in Moov's documents. */
const TRY_AGAIN: readonly number[] = [408, 425, 429];

/** OAuth's words for a failure that may pass (RFC 6749 section 4.1.2.1), whatever the status. */
const passing: readonly (string | undefined)[] = ['temporarily_unavailable', 'server_error'];

/** What a response other than a success says. */
export interface Verdict {
  /** Whether the request may succeed when it is sent again. Otherwise Moov has refused it. */
  readonly mayPass: boolean;
  /** Whether the refusal is of the API key. */
  readonly ofCredentials: boolean;
  /** Moov's words, as the end of a message; a secret of the request that they echo is taken out. */
  readonly words: string;
  /** The fields at fault, and what is wrong with each. */
  readonly fields?: Record<string, string>;
}

/**
 * Judges by the status line first: 401, 429 and 5xx are what they are, whatever the body.
 *
 * A page with another 4xx is the word of a gateway, such as a firewall that blocks an address, and not of Moov, whose
 * 403 has no body and whose other refusals are JSON. It may pass, and says nothing of the key.
 */
export function judge({ status, body, foreign }: EndpointResponse, clean: Clean): Verdict {
  const { error, code, fields } = foreign === undefined ? readRefusal(body, clean) : {};
  const ofGateway = foreign !== undefined && foreign !== BROKEN_JSON && status !== 401;
  const mayPass =
    TRY_AGAIN.includes(status) || status >= 500 || ofGateway || (status !== 401 && passing.includes(code));
  const ofCredentials = !mayPass && (status === 401 || status === 403 || code === 'invalid_client');
  if (foreign !== undefined) {
    const words = `, and not with Moov's response: it is ${clean(foreign).slice(0, 80)}`;
    return { mayPass, ofCredentials, words };
  }
  if (error !== undefined) return { mayPass, ofCredentials, words: `: ${error}` };
  if (fields === undefined) return { mayPass, ofCredentials, words: '' };
  const list = Object.entries(fields).map(([name, text]) => `${name}: ${text}`);
  return { mayPass, ofCredentials, words: `: ${list.join('; ')}`, fields };
}

/** The error of a {@link Verdict} that may pass. */
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
