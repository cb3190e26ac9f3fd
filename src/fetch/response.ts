import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import type { AxiosResponse } from 'axios';
import { attachCallInfo, hasCallInfo, infoWithoutResponse, withCallInfo } from '../client/call-info.js';
import { hideQuery, shownHeaders } from '../client/private-bodies.js';
import { isStream } from '../client/streams.js';
import { type MoovCallInfo, MoovConfigError } from '../errors.js';
import { LazyResponse } from './lazy-response.js';

/** Fetch standard, "null body status", of those a server can end with. */
const withoutBody = new Set([204, 205, 304]);

/**
 * What `moov.fetch` resolves with: a WHATWG Response whose `moov` has the attempts and the outcome of its call.
 * `clone()` returns a plain Response, without `moov` and `url`.
 */
export type MoovResponse = globalThis.Response & {
  /** The number of attempts, whether Moov may have acted without the caller knowing, and Moov's request ID. */
  readonly moov: MoovCallInfo;
};

/** What of a call its Response shows. */
export interface ResponseContext {
  readonly method: string;
  readonly info: MoovCallInfo;
  url(): string;
  /** What to show of an error that ends the body. */
  bodyError(error: unknown): unknown;
}

/**
 * Returns a response of Axios's as a WHATWG Response.
 *
 * @throws {@link MoovConfigError} when an interceptor of the application's put something else in the body's place.
 * @throws RangeError or TypeError when the standard has no such response, such as one with status 700.
 */
export function asResponse(
  received: AxiosResponse,
  context: ResponseContext,
): MoovResponse | Promise<MoovResponse> {
  const data: unknown = received.data;
  if (!Buffer.isBuffer(data) && !isStream(data)) throw replacedResponse();
  const hasBody = context.method !== 'HEAD' && !withoutBody.has(received.status);
  if (hasBody) return new FetchedResponse(received, context, data);
  const response = new FetchedResponse(received, context, null);
  if (Buffer.isBuffer(data) || data.closed) return response;
  // Read to its end and not destroyed, so that the connection can be used again.
  return new Promise((resolve) => data.once('close', () => resolve(response)).resume());
}

/** A Response that says what became of its call, also when it can't be parsed. */
class FetchedResponse extends LazyResponse {
  declare readonly moov: MoovCallInfo;

  constructor(
    { status, statusText, headers }: AxiosResponse,
    { info, url, bodyError }: ResponseContext,
    body: Buffer | Readable | null,
  ) {
    super({ status, statusText, headers: () => headersOf(headers), url, body, bodyError });
    attachCallInfo(this, info);
  }

  override async json(): Promise<unknown> {
    try {
      return await super.json();
    } catch (error) {
      if (hasCallInfo(error)) throw error;
      throw withCallInfo(withoutExcerpt(error), infoWithoutResponse(this.moov, this.ok));
    }
  }

  /** The runtime's own shows the query. */
  [inspect.custom](): object {
    const { status, statusText, url, moov } = this;
    const headers = shownHeaders(Object.fromEntries(this.headers));
    return { status, statusText, headers, url: hideQuery(url), moov };
  }
}

function headersOf(given: AxiosResponse['headers']): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    for (const one of [value].flat()) headers.append(name, String(one));
  }
  return headers;
}

/** The error for a body that is not JSON, whose message quotes the body. */
function withoutExcerpt(error: unknown): unknown {
  return error instanceof SyntaxError ? new SyntaxError('The body of the response is not JSON') : error;
}

/** The error of a response that an interceptor has replaced. */
export function replacedResponse(): MoovConfigError {
  return new MoovConfigError(
    'An interceptor that the option "configure" added has replaced the response, or its body, of a call of moov.fetch. It must leave calls with responseType "stream" or "arraybuffer" as they are.',
  );
}
