import { Readable } from 'node:stream';
import { type AxiosInstance, type AxiosResponse, isAxiosError } from 'axios';
import type { ByteCall, SendBytes } from '../client/byte-calls.js';
import { hasCallInfo, infoWithoutResponse } from '../client/call-info.js';
import { discard } from '../client/streams.js';
import { isMoovAuthError, type MoovCallInfo } from '../errors.js';
import { fetchFailure } from './failure.js';
import { type Asked, type FetchInput, readBody, readRequest } from './request.js';
import { asResponse, type MoovResponse, replacedResponse } from './response.js';

/**
 * A `fetch` whose calls are authenticated with Moov; {@link MoovAuth.fetch} says what it does and throws.
 *
 * @param input - A path such as `/accounts`, a URL below the base URL's origin, or a Request (also undici's own).
 * @param init - As of `fetch`; it overrides a Request.
 * @returns a WHATWG Response that has `moov`.
 */
export type MoovFetch = (input: FetchInput, init?: RequestInit) => Promise<MoovResponse>;

const nothingSent: MoovCallInfo = { attempts: 0, ambiguous: false };

/**
 * Makes a `fetch` of an Axios instance of this package's, whose rules its calls keep.
 *
 * @param send - Makes the calls of that instance.
 */
export function moovFetch(client: AxiosInstance, send: SendBytes): MoovFetch {
  return async (input, init) => {
    const began = performance.now();
    const timeoutMs = client.defaults.timeout ?? 0;
    let asked: Asked | undefined;
    let body: Buffer | Readable | undefined;
    try {
      asked = readRequest(input, init, client);
      const read = readBody(asked, timeoutMs);
      body = read instanceof Promise ? await read : read;
    } catch (error) {
      throw fetchFailure(error, asked?.signal, nothingSent);
    }
    try {
      const left = timeoutMs > 0 ? Math.max(1, timeoutMs - (performance.now() - began)) : 0;
      return await respond(await send(callOf(asked, body, left)), asked, client);
    } catch (error) {
      if (body instanceof Readable) body.destroy();
      throw fetchFailure(error, asked.signal);
    }
  };
}

function callOf(asked: Asked, data: Buffer | Readable | undefined, timeout: number): ByteCall {
  const { url, method, signal } = asked;
  return {
    url,
    method,
    headers: headersOf(asked, data),
    data,
    timeout,
    // A write is over when its whole response is there, so that one cut short counts as it does on req.moov.
    responseType: method === 'GET' ? 'stream' : 'arraybuffer',
    ...(signal === undefined ? {} : { signal }),
  };
}

/** The headers as fetch sends them: those that Axios would add are set as fetch sets them, or turned off. */
function headersOf({ headers }: Asked, data: unknown): Record<string, string | false> {
  const sent: Record<string, string | false> = Object.fromEntries(headers);
  Object.setPrototypeOf(sent, null);
  sent.accept ??= '*/*';
  sent['content-type'] ??= false;
  if (!(data instanceof Readable)) {
    // Of bytes the length is known, and is not the caller's to say.
    delete sent['content-length'];
    delete sent['transfer-encoding'];
  }
  return sent;
}

async function respond(received: AxiosResponse, asked: Asked, client: AxiosInstance): Promise<MoovResponse> {
  const { method, redirect, signal, url } = asked;
  if (!hasCallInfo(received)) {
    throw fetchFailure(replacedResponse(), signal, { attempts: 1, ambiguous: true });
  }
  const { status, moov: info } = received;
  try {
    if (redirect === 'error' && isRedirect(status)) throw new Error('unexpected redirect');
    return await asResponse(received, {
      method,
      info,
      url: () => new URL(client.getUri({ url })).href.replace(/#.*/s, ''),
      // Holds what was asked, and so the Request that the signal belongs to, until the body is read.
      bodyError: (error) => fetchFailure(isAxiosError(error) ? error : failed(error), asked.signal, info),
    });
  } catch (cause) {
    discard(received.data);
    const error = isMoovAuthError(cause) ? cause : failed(cause);
    throw fetchFailure(error, signal, infoWithoutResponse(info, status < 300));
  }
}

function failed(cause: unknown): TypeError {
  return new TypeError('fetch failed', { cause });
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}
