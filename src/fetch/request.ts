import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { AxiosInstance } from 'axios';
import { assertURL } from '../client/validate-request.js';
import { MoovConfigError } from '../errors.js';
import { isObject } from '../utils/value-type.js';

/** More than the largest file Moov takes, 20 MB, in a multipart form. */
const LARGEST_REQUEST_BODY_BYTES = 32 * 1_048_576;

/** What a fetch is told: a path at Moov, a URL there, or a Request, also one of another make than the global one. */
export type FetchInput = string | URL | globalThis.Request;

/** One fetch, as `input` and `init` together say it. */
export interface Asked {
  /** Held until the end: once a Request is garbage, its signal does not follow its controller any more. */
  readonly input: FetchInput;
  /** As it was given: what a parser would make of it is not what is checked. */
  readonly url: string;
  /** Where it leads, with method, headers and body. It has no signal. */
  readonly request: globalThis.Request;
  readonly signal: AbortSignal | undefined;
  /** Whose body it is: `init`'s own stream can be sent but once, a Request's is read first, up to a limit. */
  readonly body: 'stream' | 'of a Request' | 'bytes';
}

/**
 * Reads the arguments of a fetch; `init` overrides a Request, as in the standard.
 *
 * @throws {@link MoovOriginError} when it leads elsewhere; {@link MoovConfigError} for options that can't be honoured.
 * @throws TypeError for what is no request.
 * @see {@link https://fetch.spec.whatwg.org/#dom-request | Fetch standard, the Request constructor}
 */
export function readRequest(input: FetchInput, init: RequestInit | undefined, client: AxiosInstance): Asked {
  const own = without(init ?? {});
  const base = isRequest(input) ? settingsOf(input) : {};
  const { signal, ...others }: RequestInit = { ...base, ...own };
  const settings: RequestInit = { ...others, signal: null };
  // The standard reads what an object inherits too, also from Object.prototype.
  Object.setPrototypeOf(settings, null);
  const url = isRequest(input) ? input.url : String(input);
  assertURL(url, new URL(String(client.defaults.baseURL)).origin);
  assertHonoured(settings);
  const request = new Request(client.getUri({ url }), settings);
  const body = own.body === undefined && isRequest(input) ? 'of a Request' : bodyKind(own.body);
  return { input, url, request, signal: signal ?? undefined, body };
}

/**
 * The body to send: bytes, which can be sent again, but for a stream of `init`'s.
 *
 * @param timeoutMs - For reading a Request's body; 0 for no limit.
 * @throws {@link MoovConfigError} for a Request's body over 32 MiB.
 * @throws the signal's reason, or a DOMException named TimeoutError, when the reading ends before the body does.
 */
export async function readBody(
  { request, signal, body }: Asked,
  timeoutMs: number,
): Promise<Buffer | Readable | undefined> {
  if (request.body === null) return undefined;
  if (body === 'stream') {
    const stream = Readable.fromWeb(request.body);
    // It may fail before it is sent, while a token is awaited; the call finds out.
    stream.on('error', () => undefined);
    return stream;
  }
  if (body === 'bytes') return Buffer.from(await request.arrayBuffer());
  const limit = new AbortController();
  const abort = () => limit.abort(signal?.reason);
  const late = () => limit.abort(new DOMException(`timeout of ${timeoutMs}ms exceeded`, 'TimeoutError'));
  const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  try {
    return await readWhole(request.body, limit.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
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

function settingsOf({ method, headers, body, signal, redirect }: globalThis.Request): RequestInit {
  return without({ method, headers: [...headers], body, signal, redirect, duplex: 'half' });
}

/** Without what is `undefined`, which would hide what it is spread over. */
function without(settings: RequestInit): RequestInit {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function bodyKind(body: RequestInit['body']): Asked['body'] {
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
