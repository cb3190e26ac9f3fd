import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import type { AxiosResponse } from 'axios';
import { attachCallInfo, withCallInfo } from '../client/call-info.js';
import { withoutQuery } from '../client/private-bodies.js';
import { isStream } from '../client/streams.js';
import { type MoovCallInfo, MoovConfigError } from '../errors.js';

/** Fetch standard, "null body status", of those a server can end with. */
const withoutBody = new Set([204, 205, 304]);

/**
 * What `moov.fetch` resolves with: a WHATWG Response that says under `moov` what its call went through. `clone()` gives
 * a plain Response, without `moov` and `url`.
 */
export type MoovResponse = globalThis.Response & {
  /** How many attempts the call took, and what became of them. */
  readonly moov: MoovCallInfo;
};

/**
 * A reply of Axios's as a WHATWG Response.
 *
 * @param failed - What to show of an error that ends the body.
 * @throws {@link MoovConfigError} when an interceptor of the application's put something else in the body's place.
 * @throws RangeError or TypeError when the standard has no such response, such as one with status 700.
 */
export async function asResponse(
  reply: AxiosResponse,
  request: globalThis.Request,
  info: MoovCallInfo,
  failed: (error: unknown) => unknown,
): Promise<MoovResponse> {
  const { status, statusText, data } = reply;
  const headers = new Headers();
  for (const [name, value] of Object.entries(reply.headers)) {
    for (const one of [value].flat()) headers.append(name, String(one));
  }
  const body = await bodyOf(data, request.method === 'HEAD' || withoutBody.has(status), failed);
  const response = new Response(body, { status, statusText, headers });
  const [url] = request.url.split('#', 1);
  Object.defineProperty(response, 'url', { value: url, configurable: true });
  // The runtime's own shows the query.
  const shown = () => ({ status, statusText, headers, url: withoutQuery(url ?? ''), moov: info });
  Object.defineProperty(response, inspect.custom, { value: shown, configurable: true });
  attachCallInfo(response, info);
  // A body that can't be read is an error of a call that Moov has answered.
  const parse = response.json.bind(response);
  const json = () =>
    parse().catch((error: unknown) =>
      Promise.reject(withCallInfo(withoutExcerpt(error), unreadable(info, status))),
    );
  Object.defineProperty(response, 'json', { value: json, configurable: true, writable: true });
  return response;
}

/** The error for a body that is not JSON, whose message quotes the body. */
function withoutExcerpt(error: unknown): unknown {
  return error instanceof SyntaxError ? new SyntaxError('The body of the response is not JSON') : error;
}

/** What became of a call whose body the caller can't read: after a 2xx it must not read as if Moov had done nothing. */
function unreadable(info: MoovCallInfo, status: number): MoovCallInfo {
  return { ...info, ambiguous: info.ambiguous || (status >= 200 && status < 300) };
}

async function bodyOf(
  data: unknown,
  none: boolean,
  failed: (error: unknown) => unknown,
): Promise<ReadableStream<Uint8Array> | Uint8Array | null> {
  if (isStream(data)) {
    if (!none) return streamOf(data, failed);
    // Read to its end and not destroyed, so that the connection can be used again.
    await new Promise((resolve) => data.once('close', resolve).resume());
    return null;
  }
  if (Buffer.isBuffer(data)) return none ? null : data;
  throw replacedResponse();
}

/** The error of a reply that is not as it left this package's own hands. */
export function replacedResponse(): MoovConfigError {
  return new MoovConfigError(
    'An interceptor that the option "configure" added has replaced the reply, or its body, of a call of moov.fetch. It must leave calls with responseType "stream" or "arraybuffer" as they are.',
  );
}

/** Reads at the pace of its reader, and not before; giving it up frees the connection. */
function streamOf(data: Readable, failed: (error: unknown) => unknown): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = data[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          controller.error(failed(error));
        }
      },
      cancel() {
        data.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
