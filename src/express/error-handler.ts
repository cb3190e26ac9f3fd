import type { AxiosError } from 'axios';
import type { ErrorRequestHandler, NextFunction, Response } from 'express';
import { z } from 'zod';
import { isMoovCallError } from '../client/call-info.js';
import { isStream } from '../client/streams.js';
import { parseOptions, wording } from '../config/parse-options.js';
import { isMoovAuthError, type MoovAuthError, type MoovCallInfo, MoovConfigError } from '../errors.js';
import { plainRequestID } from '../utils/request-id.js';
import { retryAfterHeader, retryAfterMs } from '../utils/retry-after.js';
import { isObject } from '../utils/value-type.js';

/** Options of {@link moovErrorHandler}. */
export interface MoovErrorHandlerOptions {
  /** Whether to include the body of Moov's response as `upstream`. Default `false`: it may name accounts of others. */
  exposeUpstream?: boolean | undefined;
}

type CallError = AxiosError & { moov: MoovCallInfo };

interface Problem {
  status: number;
  title: string;
  code?: string | undefined;
  detail?: string | undefined;
  requestId?: string | undefined;
  ambiguous?: boolean;
  upstream?: unknown;
}

/** What is to be sent. */
interface Answer {
  problem: Problem;
  headers: Readonly<Record<string, unknown>>;
}

/** Moov's statuses that concern the end user; any other is a matter between the host server and Moov. */
const passedOn = new Set([400, 404, 409, 422, 429]);

/** No connection could be made, or it broke; Axios and undici pass the system's codes on. */
const unreachable = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
]);

/** RFC 9110 section 9.2.1: safe methods change nothing, so an unknown outcome does not matter. */
const safeMethods = new Set(['get', 'head', 'options']);

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  409: 'Conflict',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/**
 * Express error middleware that responds to this package's errors, and to failed calls of `req.moov` and `moov.fetch`,
 * with `application/problem+json` (RFC 9457). Other errors go on to the next handler. Mount it after the routes.
 *
 * Moov's 401 and 403 become 502: they concern the host's key, not the end user. 400, 404, 409, 422 and 429 keep their
 * status, and time-outs become 504. Moov's 503, and no connection to Moov, become 503 only if Moov has certainly not
 * acted on a write, because clients repeat a request after a 503. Everything else becomes 502 or the error's own
 * status. 429 and 503 have Moov's `Retry-After`, in seconds (RFC 9110 section 10.2.3).
 *
 * @param options - See {@link MoovErrorHandlerOptions}; all have defaults.
 * @returns the middleware. It keeps no state, and never throws, whatever error or response it is given.
 * @throws {@link MoovConfigError} for an unknown or wrong option, and when it is mounted without being called.
 */
export function moovErrorHandler(options: MoovErrorHandlerOptions = {}): ErrorRequestHandler {
  const exposeUpstream = readOptions(options);
  return (error: unknown, _req, res, next) => {
    const answer = describe(error, exposeUpstream);
    if (answer === undefined || !send(res, answer)) pass(error, next);
  };
}

/** Express's own `next` throws when nothing can be written to the response. */
function pass(error: unknown, next: NextFunction): void {
  try {
    next(error);
  } catch {
    // There is no handler left that could be told.
  }
}

/** @returns `undefined` for an error that is not of this package. */
function describe(error: unknown, exposeUpstream: boolean): Answer | undefined {
  try {
    if (isMoovAuthError(error)) return { problem: ofOurs(error), headers: error.headers ?? {} };
    if (!isMoovCallError(error)) return undefined;
    // An error of moov.fetch has that of Axios as its cause, unless the caller has ended the call.
    const call = isMoovCallError(error.cause) ? error.cause : error;
    const problem = ofCall(call, exposeUpstream);
    return { problem, headers: headersOf(call, problem.status) };
  } catch {
    if (!isOfPackage(error)) return undefined;
    // It can't be read, so the outcome of the call is unknown. Express's own handler would answer with Moov's status.
    return { problem: { status: 502, title: title(502), ambiguous: true }, headers: {} };
  }
}

function isOfPackage(error: unknown): boolean {
  try {
    return isMoovAuthError(error) || isMoovCallError(error);
  } catch {
    return false;
  }
}

function headersOf({ response }: CallError, status: number): Readonly<Record<string, string>> {
  if (response?.status !== status || (status !== 429 && status !== 503)) return {};
  return retryAfterHeader(retryAfterMs(response.headers, Date.now())) ?? {};
}

const schema = z.object({
  exposeUpstream: z.boolean().default(false).register(wording, { expected: 'true or false' }),
});

function readOptions(options: MoovErrorHandlerOptions): boolean {
  if (isObject(options) && 'headers' in options) {
    throw new MoovConfigError(
      'moovErrorHandler: got a request where options were expected. Call it: app.use(moovErrorHandler()).',
    );
  }
  return parseOptions({ name: 'moovErrorHandler' }, schema, options).exposeUpstream;
}

/** @returns whether it was sent. By Node's own methods alone, as applications replace those of Express. */
function send(res: Response, { problem, headers }: Answer): boolean {
  try {
    if (res.headersSent) return false;
    res.statusCode = problem.status;
    setHeaders(res, headers);
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
    res.end(stringified({ type: 'about:blank', ...problem }));
    return true;
  } catch {
    return false;
  }
}

/** A value that can't stand in a header must not cost the whole response. */
function setHeaders(res: Response, headers: Answer['headers']): void {
  for (const name of Object.keys(headers)) {
    try {
      res.setHeader(name, String(headers[name]));
    } catch {
      // The others still help.
    }
  }
}

function stringified({ upstream, ...problem }: Problem & { type: string }): string {
  try {
    return JSON.stringify({ ...problem, upstream });
  } catch {
    // A BigInt, a cycle, or a toJSON that throws.
    return JSON.stringify(problem);
  }
}

/** The message of a 500 is for the host's engineers; that of a 400 names nothing but what the client did. */
function ofOurs(error: MoovAuthError): Problem {
  const { code, message, requestId, moov } = error;
  const status = isErrorStatus(error.status) ? error.status : 500;
  const detail = status === 400 ? String(message) : undefined;
  return {
    status,
    title: title(status),
    code: String(code),
    detail,
    requestId: plainRequestID(requestId),
    ...ambiguityOf(moov),
  };
}

/** The fields of an error can be overwritten. */
function isErrorStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 400 && status <= 599;
}

function ofCall(error: CallError, exposeUpstream: boolean): Problem {
  const { response, moov } = error;
  const code = codeOf(error);
  const status = statusOf(error, code);
  const upstream = exposeUpstream && canBeShown(response?.data) ? { upstream: response?.data } : {};
  return {
    status,
    title: title(status),
    code,
    requestId: plainRequestID(moov.requestId),
    ...ambiguityOf(moov),
    ...upstream,
  };
}

/** Whether a body is text or parsed JSON; a stream or a buffer would be serialised with its internals. */
function canBeShown(body: unknown): boolean {
  return !isStream(body) && !ArrayBuffer.isView(body) && !(body instanceof ArrayBuffer);
}

/** The code in Axios's terms: the abort of a call of fetch is a DOMException, whose code is a number. */
function codeOf({ name, code }: AxiosError): string | undefined {
  if (name === 'AbortError') return 'ERR_CANCELED';
  if (name === 'TimeoutError') return 'ETIMEDOUT';
  return typeof code === 'string' ? code : undefined;
}

function statusOf(error: CallError, code = ''): number {
  const upstream = error.response?.status;
  if (upstream !== undefined && passedOn.has(upstream)) return upstream;
  if (upstream === undefined && (code === 'ECONNABORTED' || code === 'ETIMEDOUT')) return 504;
  const down = upstream === 503 || (upstream === undefined && unreachable.has(code));
  return down && mayBeRepeated(error) ? 503 : 502;
}

function mayBeRepeated({ config, moov }: CallError): boolean {
  return !moov.ambiguous || safeMethods.has(config?.method?.toLowerCase() ?? '');
}

function ambiguityOf(moov: MoovCallInfo | undefined): { ambiguous?: boolean } {
  return moov?.ambiguous ? { ambiguous: true } : {};
}

function title(status: number): string {
  return titles[status] ?? 'Error';
}
