import axios, { AxiosHeaders, type AxiosResponse } from 'axios';
import { assertExact, isSendable } from '../exact-headers.js';
import type { RequestHeaders } from '../transport.js';

const ACCEPT_ENCODING = 'gzip, compress, deflate, br';

const unsendable = /[^\t\x20-\x7e\x80-\xff]+/g;

/**
 * Converts headers to undici's form, names and values alternating, and adds those that Axios's own adapter adds.
 */
export function requestHeaders(headers: RequestHeaders): string[] {
  const head: string[] = [];
  let [agent, encoding] = [false, false];
  for (const name of Object.keys(headers)) {
    const value: unknown = headers[name];
    if (value === undefined) continue;
    if (name.length === 10 && name.toLowerCase() === 'user-agent') agent = true;
    if (name.length === 15 && name.toLowerCase() === 'accept-encoding') encoding = true;
    if (value === null || value === false) continue;
    if (Array.isArray(value)) for (const one of value) head.push(name, clean(name, one));
    else head.push(name, clean(name, value));
  }
  if (!agent) head.push('User-Agent', `axios/${axios.VERSION}`);
  if (!encoding) head.push('Accept-Encoding', ACCEPT_ENCODING);
  return head;
}

/** Leaves out characters that a header cannot contain, as Axios's own adapter does, where that is allowed. */
function clean(name: string, value: unknown): string {
  const text = String(value);
  if (isSendable(text)) return text;
  assertExact(name, text);
  return text.replace(unsendable, '').replace(/^[\t ]+|[\t ]+$/g, '');
}

/** Names that are methods of Axios's class of headers. */
const reserved = new AxiosHeaders();

/** Of these headers, Node keeps only the first one. */
const single = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** Converts the headers of a response, joining repeated ones as `node:http` does. */
export function responseHeaders(
  given: Readonly<Record<string, string | string[] | undefined>>,
): AxiosResponse['headers'] {
  const headers = new AxiosHeaders();
  for (const name of Object.keys(given)) {
    const value = given[name];
    if (value === undefined) continue;
    const joined = together(name, value);
    if (name in reserved) headers.set(name, joined);
    else headers[name] = joined;
  }
  return headers;
}

function together(name: string, value: string | string[]): string | string[] {
  if (name === 'set-cookie') return Array.isArray(value) ? value.map(trimmed) : [trimmed(value)];
  if (!Array.isArray(value)) return trimmed(value);
  if (single.has(name)) return value.slice(0, 1).map(trimmed).join();
  return value.map(trimmed).join(name === 'cookie' ? '; ' : ', ');
}

function trimmed(value: string): string {
  const last = value.charCodeAt(value.length - 1);
  return last === 0x20 || last === 0x09 ? value.trim() : value;
}
