import type { Credentials } from '../config/connection-options.js';
import { MoovUnavailableError } from '../errors.js';
import { retryAfterHeader, retryAfterMs } from '../utils/retry-after.js';
import type { EndpointResponse } from './endpoint.js';
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

/** A failure that may pass: the rate limit, or one of Moov's own. */
export function unavailable(reply: EndpointResponse, told: string): MoovUnavailableError {
  const limited = reply.status === 429;
  return new MoovUnavailableError(
    limited ? `Moov's rate limit was hit (429)${told}` : `Moov failed (${reply.status})${told}`,
    {
      code: limited ? 'ERR_MOOV_RATE_LIMITED' : 'ERR_MOOV_SERVER_ERROR',
      headers: retryAfterHeader(retryAfterMs(reply.headers, Date.now())),
      upstreamStatus: reply.status,
      requestId: reply.requestId,
    },
  );
}

/** What the body of a failure adds to its message; a secret of the request that it echoes is taken out. */
export function explain(
  reply: EndpointResponse,
  clean: Clean,
): { message: string; fields?: Record<string, string> } {
  if (reply.foreign) {
    return { message: `, and not with Moov's reply: it is ${clean(reply.foreign).slice(0, 80)}` };
  }
  const { error, fields } = readRefusal(reply.body, clean);
  if (error !== undefined) return { message: `: ${error}` };
  if (fields === undefined) return { message: '' };
  const list = Object.entries(fields).map(([name, text]) => `${name}: ${text}`);
  return { message: `: ${list.join('; ')}`, fields };
}
