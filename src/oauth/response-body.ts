import type { Readable } from 'node:stream';
import { toError } from '../utils/errors.js';

/** A token response has a few kilobytes. A larger one is not from Moov. */
const LARGEST_BODY_BYTES = 1_048_576;

/** The time limit for the body of a failure. Its status has already said most of it. */
const LONGEST_FAILURE_READ_MS = 1_000;

/** The value of {@link EndpointContent.foreign} for a body that is declared as JSON but is not. */
export const BROKEN_JSON = 'broken JSON';

export interface EndpointContent {
  /** Parsed JSON; `undefined` for an empty body, and for one that is not JSON. */
  body: unknown;
  /** The type of a body that is not JSON, such as `text/html`; absent for JSON and without a body. */
  foreign: string | undefined;
}

/**
 * Reads the body of a success.
 *
 * @throws when it is incomplete, cannot be decompressed or is too large.
 */
export async function readContent(stream: Readable, contentType: unknown): Promise<EndpointContent> {
  return parse(await readText(stream), contentType);
}

/** Reads the body of a failure as far as possible: the status line counts, whatever happens to the body. */
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

/** Leaving the loop destroys the stream. */
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
    // Text such as "403" is JSON too.
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

/** Copies only message and code of a transport's error, because the error itself contains the request. */
export function withoutRequest(thrown: unknown): Error & { code?: string } {
  const error = toError(thrown);
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return Object.assign(new Error(error.message), code);
}
