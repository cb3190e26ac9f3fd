import type { AxiosError } from 'axios';
import { z } from 'zod';
import { callRequest, isMoovCallError, type RequestSummary } from '../client/call-info.js';
import { parseOptions, wording } from '../config/parse-options.js';
import {
  isMoovAuthError,
  type MoovAuthError,
  type MoovCallCode,
  type MoovCallInfo,
  type MoovErrorCode,
} from '../errors.js';
import { isValidHeader } from '../utils/headers.js';
import { plainRequestID } from '../utils/request-id.js';
import { retryAfterHeader, retryAfterMs } from '../utils/retry-after.js';
import { callCode } from './call-code.js';
import { upstreamOf } from './upstream.js';

/** Options of {@link moovProblem}. */
export interface MoovProblemOptions {
  /**
   * What of the body of Moov's response is included. `true`: all of it, as `upstream`; it may name accounts of others.
   * `'validation'`: the names of the fields that a 422 rejects, as `fields`, without Moov's texts, which may repeat
   * values. Default `false`: nothing.
   */
  exposeUpstream?: boolean | 'validation' | undefined;
  /** Whether `detail` has the message of the error, which is for the host's engineers. Default `false`. */
  exposeMessage?: boolean | undefined;
}

/** A problem of RFC 9457, for the end user. */
export interface MoovProblem {
  /** `about:blank`: the status says which kind of problem it is (RFC 9457 section 4.2.1). */
  readonly type: 'about:blank';
  /** The status of the response. */
  readonly status: number;
  /** The status in words. */
  readonly title: string;
  /** What happened, for programs. */
  readonly code: MoovErrorCode | MoovCallCode;
  /** What happened, in words. */
  readonly detail?: string;
  /** Moov's `x-request-id`, for Moov's support. */
  readonly requestId?: string;
  /** Set when Moov may have acted on a write, but no response confirms it. */
  readonly ambiguous?: true;
  /** The fields that Moov rejects, such as `profile.individual.email`. */
  readonly fields?: readonly string[];
  /** The body of Moov's response. */
  readonly upstream?: unknown;
}

/** A response for the end user, for any framework. */
export interface MoovProblemResponse {
  /** The status. */
  readonly status: number;
  /** Its headers, `Content-Type` and `Cache-Control` among them. */
  readonly headers: Record<string, string>;
  /** Its body, to be sent as JSON. */
  readonly body: MoovProblem;
}

type CallError = AxiosError & { moov: MoovCallInfo };

/** Moov's statuses that concern the end user; any other is a matter between the host server and Moov. */
const passedOn = new Set([400, 404, 409, 422, 429]);

/** Statuses after which clients repeat a request, and may have been told when. */
const invitesRepeat = new Set([429, 503]);

/** RFC 9110 section 9.2.1: safe methods change nothing, so an unknown outcome does not matter. */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY']);

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The options of {@link moovProblem}. */
export const problemSchema = z.object({
  exposeUpstream: z
    .union([z.boolean(), z.literal('validation')])
    .default(false)
    .register(wording, { expected: "true, false or 'validation'" }),
  exposeMessage: z.boolean().default(false).register(wording, { expected: 'true or false' }),
});

/** The same, complete. */
export type ProblemSettings = z.output<typeof problemSchema>;

/**
 * Describes an error of this package, or a failed call of `req.moov` or `moov.fetch`, as a response for the end user in
 * the form of RFC 9457. It is what {@link moovErrorHandler} answers, for servers that are not Express: it reads no
 * environment, logs nothing and keeps nothing.
 *
 * Moov's 401 and 403 become 502: they concern the host's key, not the end user. 400, 404, 409 and 422 keep their
 * status, and time-outs become 504. Moov's 429 and 503, and no connection to Moov (503), keep theirs only if Moov has
 * certainly not acted on a write, because clients repeat a request after these. Everything else becomes 502 or the
 * error's own status. 429 and 503 have Moov's `Retry-After`, in seconds (RFC 9110 section 10.2.3).
 *
 * @param error - What was caught, of any type.
 * @param options - See {@link MoovProblemOptions}; all have defaults.
 * @returns the response, or `undefined` for an error that is not of this package.
 * @throws {@link MoovConfigError} for an unknown or wrong option. Never because of the error.
 */
export function moovProblem(
  error: unknown,
  options: MoovProblemOptions = {},
): MoovProblemResponse | undefined {
  return describeProblem(error, parseOptions({ name: 'moovProblem' }, problemSchema, options));
}

/** {@link moovProblem} with options that were checked before. */
export function describeProblem(error: unknown, settings: ProblemSettings): MoovProblemResponse | undefined {
  try {
    if (isMoovAuthError(error)) return ofOurs(error, settings);
    return isMoovCallError(error) ? ofCall(axiosErrorOf(error), settings) : undefined;
  } catch {
    if (!isOfPackage(error)) return undefined;
    // It can't be read, so the outcome of the call is unknown. The framework's own handler would answer with Moov's status.
    return response({ status: 502, code: 'ERR_MOOV_CALL', ambiguous: true });
  }
}

function isOfPackage(error: unknown): boolean {
  try {
    return isMoovAuthError(error) || isMoovCallError(error);
  } catch {
    return false;
  }
}

/**
 * An error of moov.fetch has that of Axios as its cause, unless the caller has ended the call. The cause may also be the
 * error of another call, which the application's own code has made.
 */
export function axiosErrorOf(error: CallError): CallError {
  const { cause } = error;
  return isMoovCallError(cause) && cause.moov === error.moov ? cause : error;
}

/** A message may be for the host's engineers alone. That of a 400 names nothing but what the client did. */
function ofOurs(error: MoovAuthError, { exposeMessage }: ProblemSettings): MoovProblemResponse {
  const own = isErrorStatus(error.status) ? error.status : 500;
  const request = isMoovCallError(error) ? callRequest(error) : undefined;
  const mayRepeat = !invitesRepeat.has(own) || !isAmbiguousWrite(error.moov, request);
  const status = mayRepeat ? own : 502;
  return response(
    {
      status,
      code: error.code,
      ...(exposeMessage || status === 400 ? { detail: String(error.message) } : {}),
      ...outcomeOf(error.moov, error.requestId, request),
    },
    mayRepeat ? error.headers : undefined,
  );
}

/** The fields of an error can be overwritten. */
function isErrorStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 400 && status <= 599;
}

function ofCall(error: CallError, { exposeMessage, exposeUpstream }: ProblemSettings): MoovProblemResponse {
  const status = statusOf(error);
  return response(
    {
      status,
      code: callCode(error),
      ...(exposeMessage ? { detail: String(error.message) } : {}),
      ...outcomeOf(error.moov, error.moov.requestId, callRequest(error)),
      ...upstreamOf(error.response, exposeUpstream),
    },
    retryAfterOf(error, status),
  );
}

function statusOf(error: CallError): number {
  const upstream = error.response?.status;
  const code = callCode(error);
  if (code === 'ERR_MOOV_TIMEOUT') return 504;
  const down = upstream === 503 || code === 'ERR_MOOV_NETWORK';
  const status = down ? 503 : upstream !== undefined && passedOn.has(upstream) ? upstream : 502;
  return invitesRepeat.has(status) && isAmbiguousWrite(error.moov, callRequest(error)) ? 502 : status;
}

function retryAfterOf({ response }: CallError, status: number): Readonly<Record<string, string>> | undefined {
  if (response?.status !== status || !invitesRepeat.has(status)) return undefined;
  return retryAfterHeader(retryAfterMs(response.headers, Date.now()));
}

function outcomeOf(
  moov: MoovCallInfo | undefined,
  requestId: unknown,
  request: RequestSummary | undefined,
): Pick<MoovProblem, 'requestId' | 'ambiguous'> {
  const id = plainRequestID(requestId);
  return {
    ...(id === undefined ? {} : { requestId: id }),
    ...(isAmbiguousWrite(moov, request) ? { ambiguous: true } : {}),
  };
}

/** Whether Moov may have changed something. A request that is not known counts as a write. */
function isAmbiguousWrite(moov: MoovCallInfo | undefined, request: RequestSummary | undefined): boolean {
  return moov?.ambiguous === true && !safeMethods.has(request?.method ?? '');
}

function response(
  problem: Omit<MoovProblem, 'type' | 'title'>,
  headers: Readonly<Record<string, unknown>> = {},
): MoovProblemResponse {
  const { status, code, ...others } = problem;
  return {
    status,
    headers: {
      ...sendable(headers),
      'Cache-Control': 'no-store',
      'Content-Type': 'application/problem+json; charset=utf-8',
    },
    body: { type: 'about:blank', status, title: titles[status] ?? 'Error', code, ...others },
  };
}

/** A value that can't stand in a header must not cost the whole response. */
function sendable(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]): [string, string] => [name, String(value)])
      .filter(([name, value]) => isValidHeader(name, value)),
  );
}
