import { randomUUID } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { AxiosError, type InternalAxiosRequestConfig } from 'axios';
import { toError } from '../utils/errors.js';

/** Whether a body can be sent a second time: a stream can't, as the first attempt has used it up. */
export function isReplayable(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return true;
  if (body instanceof Readable || body instanceof ReadableStream) return false;
  // The form-data package's bodies are streams that do not inherit from Readable.
  return !('pipe' in body && typeof body.pipe === 'function');
}

/** The caller's stream may fail before it is sent, while a token is awaited, say; that must crash nobody. */
export function watchBody(body: unknown): void {
  if (isPiped(body) || isFormDataStream(body)) body.on('error', () => undefined);
}

/** @throws AxiosError when the caller's stream is over before any of it was sent. */
export function assertBodyLives(config: InternalAxiosRequestConfig): void {
  const { data } = config;
  if (!(data instanceof Readable) || !(data.errored || data.destroyed)) return;
  const cause = data.errored ?? new Error('The body was over before it was sent');
  throw AxiosError.from(cause, AxiosError.ERR_BAD_REQUEST, config);
}

/** Gives a multipart form its boundary before the first attempt, so that a second one sends the same bytes. */
export function fixBoundary(config: InternalAxiosRequestConfig): void {
  if (!isSpecCompliantForm(config.data)) return;
  const contentType: unknown = config.headers.get('Content-Type');
  if (typeof contentType === 'string' && contentType.includes('boundary=')) return;
  config.headers.setContentType(`multipart/form-data; boundary=moov-${randomUUID()}`);
}

/**
 * A body with the bytes of another that does not lead to the request: a stream that is piped leads to where it is
 * piped to, and this one is the caller's, who sees it in the config. What is no such stream is returned as it is.
 */
export function unlinked(body: unknown): unknown {
  if (!isPiped(body)) return body;
  const copy = new PassThrough();
  // The request may be over, and listen no more, when the caller's stream fails.
  copy.on('error', () => undefined);
  body.on('data', (chunk) => {
    // The attempt may have ended before the caller's stream has.
    if (copy.destroyed) return void body.pause();
    try {
      if (!copy.write(chunk)) body.pause();
    } catch (error) {
      copy.destroy(toError(error));
    }
  });
  copy.on('drain', () => body.resume());
  body.on('end', () => copy.end());
  body.on('error', (error) => copy.destroy(error));
  body.on('close', () => {
    if (!copy.writableEnded) copy.destroy();
  });
  return copy;
}

function isPiped(body: unknown): body is NodeJS.ReadableStream {
  if (isReplayable(body) || typeof body !== 'object' || body === null) return false;
  return 'pipe' in body && !isFormDataStream(body);
}

/** The form-data package's streams are of the old kind, which does not lead anywhere; Axios asks them for headers. */
function isFormDataStream(body: unknown): body is NodeJS.ReadableStream {
  return typeof body === 'object' && body !== null && 'pipe' in body && 'getHeaders' in body;
}

/** As Axios tells them, so that those of other makes count too. */
function isSpecCompliantForm(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || !('append' in body) || 'getHeaders' in body) return false;
  return Symbol.toStringTag in body && body[Symbol.toStringTag] === 'FormData';
}
