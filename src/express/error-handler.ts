import type { AxiosError } from 'axios';
import type { ErrorRequestHandler, Response } from 'express';
import { z } from 'zod';
import { isMoovCallError } from '../client/call-error.js';
import { isStream } from '../client/streams.js';
import { parseOptions, wording } from '../config/parse-options.js';
import { isMoovAuthError, type MoovAuthError, type MoovCallInfo, MoovConfigError } from '../errors.js';
import { retryAfterHeader, retryAfterMs } from '../utils/retry-after.js';

/** Options of {@link moovErrorHandler}. */
export interface MoovErrorHandlerOptions {
  /** Whether the body of Moov's reply is shown under `upstream`. Default `false`: it may name accounts of others. */
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

/** Moov's statuses that are the end user's to know; any other is a matter between the host server and Moov. */
const passedOn = new Set([400, 404, 409, 422, 429]);

/** With these no connection stood, or it broke; Axios and undici pass the system's codes on. */
const unreachable = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
]);

/** RFC 9110 section 9.2.1: they change nothing, so that what became of them needs not be known. */
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
 * Express error middleware that answers this package's errors, and failed calls of `req.moov` and `moov.fetch`, with
 * `application/problem+json` (RFC 9457). Other errors go on to the next handler. Mount it after the routes.
 *
 * An upstream 401 or 403 is answered with 502: it concerns the host's key and not the end user. 400, 404, 409, 422
 * and 429 keep their status, and time-outs are 504. Moov's 503, and no connection to Moov, are 503 as long as Moov has
 * certainly not acted on a write: who reads 503 tries again. Everything else is 502 or the error's own status. 429 and
 * 503 have Moov's `Retry-After`, in seconds (RFC 9110 section 10.2.3).
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

/** A message of a 500 is for the host's engineers; those below name nothing but what the client did or can do. */
function ofOurs({ status, code, message, requestId, moov }: MoovAuthError): Problem {
  const detail = status === 400 ? message : undefined;
  return { status, title: title(status), code, detail, requestId, ...told(moov) };
}

function ofCall(error: CallError, exposeUpstream: boolean): Problem {
  const { response, moov } = error;
  const code = codeOf(error);
  const status = statusOf(error, code);
  const upstream = exposeUpstream && canBeShown(response?.data) ? { upstream: response?.data } : {};
  return { status, title: title(status), code, requestId: moov.requestId, ...told(moov), ...upstream };
}

/** Whether a body is text or was parsed; of a stream or a buffer JSON would show the insides. */
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

function told(moov: MoovCallInfo | undefined): { ambiguous?: boolean } {
  return moov?.ambiguous ? { ambiguous: true } : {};
}

function title(status: number): string {
  return titles[status] ?? 'Error';
}
