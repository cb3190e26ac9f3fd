import { validateHeaderName, validateHeaderValue } from 'node:http';
import { describeType } from '../../utils/value-type.js';
import type { ApiResponse } from './call.js';

/** A response that can be sent as it is. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The body as text; empty without one. */
  readonly text: string;
  readonly bytes: Buffer;
  readonly note: string | undefined;
}

/**
 * Checks a response, whoever gave it, and turns its body into bytes.
 *
 * @throws TypeError for a status other than 200 to 599, for a header that HTTP does not allow, and for a body that is
 * neither a string nor an object that JSON can express.
 */
export function replyOf({ status, headers, body, note }: ApiResponse): Reply {
  if (!(Number.isInteger(status) && status >= 200 && status < 600)) {
    throw new TypeError(`status: expected a whole number from 200 to 599; got ${describeType(status)}.`);
  }
  for (const [name, value] of Object.entries(headers ?? {})) {
    validateHeaderName(name);
    for (const one of [value].flat()) validateHeaderValue(name, one);
  }
  const text = textOf(body);
  const bytes = Buffer.from(text);
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  const ofBody = bytes.length === 0 ? {} : { 'content-type': type, 'content-length': String(bytes.length) };
  return { status, headers: { ...ofBody, ...lowerCased(headers) }, text, bytes, note };
}

function textOf(body: ApiResponse['body']): string {
  if (body === undefined) return '';
  if (typeof body === 'string') return body;
  if (typeof body !== 'object') {
    throw new TypeError(`body: expected an object or a string; got ${describeType(body)}.`);
  }
  let json: string | undefined;
  try {
    json = JSON.stringify(body);
  } catch (error) {
    const why = error instanceof RangeError ? 'it is nested too deep' : String(error);
    throw new TypeError(`body: can't be sent as JSON: ${why}`);
  }
  if (json === undefined) throw new TypeError("body: can't be sent as JSON: its toJSON() returns nothing.");
  return json;
}

function lowerCased(headers: ApiResponse['headers'] = {}) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
