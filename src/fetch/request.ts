import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { AxiosInstance } from 'axios';
import { usualMethods } from '../client/byte-calls.js';
import { assertURL } from '../client/validate-request.js';
import { MoovConfigError } from '../errors.js';
import { TimeLimit } from '../utils/time-limit.js';
import { Timers } from '../utils/timers.js';
import { isObject } from '../utils/value-type.js';

/** More than the largest file Moov takes, 20 MB, in a multipart form. */
const LARGEST_REQUEST_BODY_BYTES = 32 * 1_048_576;

/** The first argument of a fetch: a path at Moov, a URL there, or a Request. It may be one of another fetch than Node's. */
export type FetchInput = string | URL | globalThis.Request;

/** One fetch, as `input` and `init` together say it. */
export interface Asked {
  /** Held until the end: once a Request is garbage, its signal does not follow its controller any more. */
  readonly input: FetchInput;
  /** As it was given: what a parser would make of it is not what is checked. */
  readonly url: string;
  readonly signal: AbortSignal | undefined;
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: globalThis.Request['redirect'];
  readonly body: Buffer | ReadableStream<Uint8Array> | null;
  /** Whose body it is: `init`'s own stream can be sent but once, a Request's is read first, up to a limit. */
  readonly bodyIs: 'stream' | 'of a Request' | 'bytes';
}

/**
 * Reads the arguments of a fetch; `init` overrides a Request, as in the standard.
 *
 * @throws {@link MoovOriginError} when it leads elsewhere; {@link MoovConfigError} for options that can't be honoured.
 * @throws TypeError for what is no request.
 * @see {@link https://fetch.spec.whatwg.org/#dom-request | Fetch standard, the Request constructor}
 */
export function readRequest(input: FetchInput, init: RequestInit | undefined, client: AxiosInstance): Asked {
  const own = withoutUndefined(init ?? {});
  const url = isRequest(input) ? input.url : String(input);
  assertURL(url, new URL(String(client.defaults.baseURL)).origin);
  assertHonoured(own);
  if (!isRequest(input)) return readPlain(input, url, own) ?? readAny(input, url, own, client);
  // One of the global class was checked when it was made.
  const isWhole = input instanceof Request && !input.bodyUsed && Object.keys(own).length === 0;
  if (!isWhole) return readAny(input, url, own, client);
  return { input, url, signal: input.signal, ...settingsOf(input), bodyIs: 'of a Request' };
}

/** What most calls are, without a Request made of it: a usual method, headers, text or bytes. */
function readPlain(input: FetchInput, url: string, own: RequestInit): Asked | undefined {
  const { method = 'GET', headers: given, body = null, signal, ...others } = own;
  if (!usualMethods.has(method) || Object.keys(others).length > 0) return undefined;
  const isText = typeof body === 'string';
  if (body !== null && !isText && !Buffer.isBuffer(body)) return undefined;
  if (body !== null && (method === 'GET' || method === 'HEAD')) return undefined;
  const headers = new Headers(given);
  if (isText && !headers.has('content-type')) headers.set('content-type', 'text/plain;charset=UTF-8');
  const bytes = body === null ? null : Buffer.from(body);
  return {
    input,
    url,
    signal: signal ?? undefined,
    method,
    headers,
    redirect: 'follow',
    body: bytes,
    bodyIs: 'bytes',
  };
}

/** Anything else, as the platform's own Request reads it. */
function readAny(input: FetchInput, url: string, own: RequestInit, client: AxiosInstance): Asked {
  const base = isRequest(input)
    ? { ...settingsOf(input), headers: [...input.headers], signal: input.signal, duplex: 'half' as const }
    : {};
  const { signal, ...others } = withoutUndefined({ ...withoutUndefined(base), ...own });
  // The standard reads what an object inherits too, also from Object.prototype, and Node's copy of it inherits again.
  const settings: RequestInit = { method: 'GET', headers: {}, body: null, ...others, signal: null };
  Object.setPrototypeOf(settings, null);
  const request = new Request(client.getUri({ url }), settings);
  const bodyIs = own.body === undefined && isRequest(input) ? 'of a Request' : bodyKind(own.body);
  return { input, url, signal: signal ?? undefined, ...settingsOf(request), bodyIs };
}

function settingsOf({ method, headers, redirect, body }: globalThis.Request) {
  return { method, headers, redirect, body };
}

/**
 * The body to send: bytes, which can be sent again, but for a stream of `init`'s.
 *
 * @param timeoutMs - For reading a Request's body; 0 for no limit.
 * @throws {@link MoovConfigError} for a Request's body over 32 MiB.
 * @throws the signal's reason, or a DOMException named TimeoutError, when the reading ends before the body does.
 */
export function readBody(
  { body, bodyIs, signal }: Asked,
  timeoutMs: number,
): Buffer | Readable | undefined | Promise<Buffer> {
  if (body === null) return undefined;
  if (Buffer.isBuffer(body)) return body;
  if (bodyIs === 'bytes') return new Response(body).arrayBuffer().then((bytes) => Buffer.from(bytes));
  if (bodyIs === 'of a Request') return readWithin(body, signal, timeoutMs);
  const stream = Readable.fromWeb(body);
  // It may fail before it is sent, while a token is awaited; the call finds out.
  stream.on('error', () => undefined);
  return stream;
}

async function readWithin(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): Promise<Buffer> {
  const limitMs = timeoutMs > 0 ? timeoutMs : Number.POSITIVE_INFINITY;
  const limit = new TimeLimit(limitMs, new Timers(true), signal);
  try {
    return await readWhole(body, limit.signal);
  } finally {
    limit.clear();
  }
}

async function readWhole(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  // A reading that waits ends with it, whatever the stream's own source does.
  const cancel = () => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener('abort', cancel);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return Buffer.concat(chunks);
      size += value.byteLength;
      if (size > LARGEST_REQUEST_BODY_BYTES) {
        cancel();
        throw new MoovConfigError(
          `The body of a Request is over ${LARGEST_REQUEST_BODY_BYTES / 1_048_576} MiB. Give it in init.body, as bytes, or as a stream, which can be sent but once.`,
        );
      }
      chunks.push(value);
    }
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** By its shape, as undici has a class of its own. */
function isRequest(input: FetchInput): input is globalThis.Request {
  return typeof input === 'object' && 'url' in input && 'headers' in input;
}

/** Without what is `undefined`, which would hide what it is spread over, and with nothing from Object.prototype. */
function withoutUndefined(settings: RequestInit): RequestInit {
  const own: RequestInit = Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  );
  Object.setPrototypeOf(own, null);
  return own;
}

function bodyKind(body: RequestInit['body']): Asked['bodyIs'] {
  return isObject(body) && Symbol.asyncIterator in body ? 'stream' : 'bytes';
}

/** What must not be passed over in silence. What has a meaning in browsers alone is. */
function assertHonoured(settings: RequestInit): void {
  if ('dispatcher' in settings) {
    throw new MoovConfigError(
      'A fetch can\'t have "dispatcher". Connections are set up once, for every call, in the options of moovAuth.',
    );
  }
  if (settings.integrity) {
    throw new MoovConfigError('A fetch can\'t have "integrity": it is not checked here.');
  }
}
