import type { Readable } from 'node:stream';
import { toError } from '../utils/errors.js';

/** A token response is a few kilobytes; more is not Moov's. */
const LARGEST_BODY_BYTES = 1_048_576;

/** How long the body of a failure is awaited, whose status says most of it. */
const LONGEST_FAILURE_READ_MS = 1_000;

/** What {@link EndpointContent.foreign} says of a body that is announced as JSON and is none. */
export const BROKEN_JSON = 'broken JSON';

export interface EndpointContent {
  /** Parsed JSON; `undefined` for an empty body, and for one that is not JSON. */
  body: unknown;
  /** What kind of body it was that is not JSON, such as `text/html`; absent for JSON and for no body. */
  foreign: string | undefined;
}

/**
 * Reads the body of a success.
 *
 * @throws when it is not received to its end, can't be decompressed or is too large.
 */
export async function readContent(stream: Readable, contentType: unknown): Promise<EndpointContent> {
  return parse(await readText(stream), contentType);
}

/** Reads the body of a failure as far as it can be read: the status line stands, whatever becomes of the body. */
export async function readFailureContent(stream: Readable, contentType: unknown): Promise<EndpointContent> {
  const late = () => stream.destroy(new Error('The body did not end in time'));
  const timer = setTimeout(late, LONGEST_FAILURE_READ_MS).unref();
  try {
    return parse(await readText(stream), contentType);
  } catch {
    return { body: undefined, foreign: foreignType(contentType) };
  } finally {
    clearTimeout(timer);
  }
}

/** Leaving the loop destroys the stream, and so ends what is still to come. */
async function readText(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > LARGEST_BODY_BYTES) throw new Error(`the body is larger than ${LARGEST_BODY_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, contentType: unknown): EndpointContent {
  const content = text.trim();
  if (content === '') return { body: undefined, foreign: isHTML(contentType) ? 'text/html' : undefined };
  try {
    const body: unknown = JSON.parse(content);
    // A text such as "403" is JSON too.
    const isText = typeof body !== 'object' && mediaType(contentType) !== undefined && !isJSON(contentType);
    return { body, foreign: isText ? foreignType(contentType) : undefined };
  } catch {
    return { body: undefined, foreign: foreignType(contentType) };
  }
}

function foreignType(contentType: unknown): string {
  return isJSON(contentType) ? BROKEN_JSON : (mediaType(contentType) ?? 'no content type');
}

function isJSON(contentType: unknown): boolean {
  return /\bjson$/i.test(mediaType(contentType) ?? '');
}

function isHTML(contentType: unknown): boolean {
  return /^text\/html$/i.test(mediaType(contentType) ?? '');
}

function mediaType(contentType: unknown): string | undefined {
  return typeof contentType === 'string' ? contentType.split(';', 1)[0]?.trim() : undefined;
}

/** An error of a transport with nothing but its message and its code: the error itself shows the request. */
export function withoutRequest(thrown: unknown): Error & { code?: string } {
  const error = toError(thrown);
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return Object.assign(new Error(error.message), code);
}
