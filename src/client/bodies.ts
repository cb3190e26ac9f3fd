import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { InternalAxiosRequestConfig } from 'axios';

/** Whether a body can be sent a second time: a stream can't, as the first attempt has used it up. */
export function isReplayable(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return true;
  if (body instanceof Readable || body instanceof ReadableStream) return false;
  // The form-data package's bodies are streams that do not inherit from Readable.
  return !('pipe' in body && typeof body.pipe === 'function');
}

/** Gives a multipart form its boundary before the first attempt, so that a second one sends the same bytes. */
export function fixBoundary(config: InternalAxiosRequestConfig): void {
  if (!(config.data instanceof FormData)) return;
  const contentType: unknown = config.headers.get('Content-Type');
  if (typeof contentType === 'string' && contentType.includes('boundary=')) return;
  config.headers.setContentType(`multipart/form-data; boundary=moov-${randomUUID()}`);
}
