import type { AxiosError } from 'axios';
import type { ErrorRequestHandler, Response } from 'express';
import { z } from 'zod';
import { isMoovCallError } from '../client/call-info.js';
import { isStream } from '../client/streams.js';
import { parseOptions, wording } from '../config/parse-options.js';
import { isMoovAuthError, type MoovAuthError, type MoovCallInfo, MoovConfigError } from '../errors.js';
import { retryAfterHeader, retryAfterMs } from '../utils/retry-after.js';

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

/** Moov's statuses that concern the client's request; any other is between the host server and Moov. */
const passedOn = new Set([400, 404, 409, 422, 429]);

/** The system's codes for no connection, or a broken one; Axios and undici pass them on. */
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
 * @returns the middleware. It keeps no state, and throws nothing.
 * @throws {@link MoovConfigError} for an unknown or wrong option, and when it is mounted without being called.
 */
export function moovErrorHandler(options: MoovErrorHandlerOptions = {}): ErrorRequestHandler {
  const exposeUpstream = readOptions(options);
  return (error: unknown, _req, res, next) => {
    if (res.headersSent) return next(error);
    if (isMoovAuthError(error)) {
      res.set({ ...error.headers });
      return send(res, ofOurs(error));
    }
    if (!isMoovCallError(error)) return next(error);
    // An error of moov.fetch has that of Axios as its cause, unless the caller has ended the call.
    const call = isMoovCallError(error.cause) ? error.cause : error;
    const { response } = call;
    const problem = ofCall(call, exposeUpstream);
    if (
      response &&
      response.status === problem.status &&
      (problem.status === 429 || problem.status === 503)
    ) {
      res.set({ ...retryAfterHeader(retryAfterMs(response.headers, Date.now())) });
    }
    send(res, problem);
  };
}

const schema = z.object({
  exposeUpstream: z.boolean().default(false).register(wording, { expected: 'true or false' }),
});

function readOptions(options: MoovErrorHandlerOptions): boolean {
  if (typeof options === 'object' && options !== null && 'headers' in options) {
    throw new MoovConfigError(
      'moovErrorHandler: got a request where options were expected. Call it: app.use(moovErrorHandler()).',
    );
  }
  return parseOptions({ name: 'moovErrorHandler' }, schema, options).exposeUpstream;
}

function send(res: Response, problem: Problem): void {
  res
    .status(problem.status)
    .set('Cache-Control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', ...problem }));
}

/** Only a 400's message is for the client; that of a 500 is for the host's engineers. */
function ofOurs({ status, code, message, requestId, moov }: MoovAuthError): Problem {
  const detail = status === 400 ? message : undefined;
  return { status, title: title(status), code, detail, requestId, ...ambiguityOf(moov) };
}

function ofCall(error: CallError, exposeUpstream: boolean): Problem {
  const { response, moov } = error;
  const code = codeOf(error);
  const status = statusOf(error, code);
  const upstream = exposeUpstream && canBeShown(response?.data) ? { upstream: response?.data } : {};
  return { status, title: title(status), code, requestId: moov.requestId, ...ambiguityOf(moov), ...upstream };
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
