import { type AxiosAdapter, AxiosError, type InternalAxiosRequestConfig } from 'axios';
import { reservedSettings } from '../config/reserved-axios-settings.js';
import { MoovConfigError, MoovOriginError } from '../errors.js';
import type { RequestHeaders } from '../transports/transport.js';
import { describeType, isObject } from '../utils/value-type.js';
import type { CallBody } from './bodies.js';

/** A path without dots and escapes, which no parser changes. Nearly all calls have one. */
const plain = /^\/(?!\/)[\w\-~!$&'()*,;=:@/?]*$/;

/**
 * Characters that a URL parser drops or rewrites: control characters, white space, and the backslash, read as a slash.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const rewritten = /[\x00-\x20\x7f\\]/;

const absolute = /^[a-z][a-z\d+\-.]*:\/\//i;

/** A URL that is absolute or relative to the base URL, depending on the parser. */
const schemeAlone = /^(https?|wss?|ftp|file):(?!\/\/)/i;

/** A whole path segment of one or two dots, also percent-encoded. */
const dotSegment = /(^|\/)(\.|%2e){1,2}(\/|$)/i;

/**
 * Refuses a URL with which the bearer token could reach another host, or another endpoint than the path names.
 *
 * @param url - The URL as passed by the handler.
 * @param origin - The origin of the base URL.
 * @throws {@link MoovOriginError}; nothing has been sent.
 */
export function assertURL(url: unknown, origin: string): void {
  if (url === undefined || (typeof url === 'string' && plain.test(url))) return;
  if (typeof url !== 'string') throw refused(`expected the URL of a call to be a string, got ${typeof url}`);
  if (rewritten.test(url)) throw refused('the URL of a call has a control character, a space or a backslash');
  if (url.startsWith('//')) throw refused('the URL of a call is protocol-relative');
  if (schemeAlone.test(url)) throw refused('the URL of a call has a scheme without "//"');
  if (absolute.test(url)) assertSameOrigin(url, origin);
  const path = url.replace(absolute, '').split(/[?#]/, 1)[0] ?? '';
  if (dotSegment.test(path)) throw refused('the URL of a call has a dot segment ("." or "..")');
}

function assertSameOrigin(url: string, origin: string): void {
  if (!URL.canParse(url)) throw refused('the URL of a call cannot be parsed');
  const target = new URL(url);
  if (target.username !== '' || target.password !== '') throw refused('the URL of a call has user info');
  if (target.origin !== origin) throw refused(`the URL of a call leads to ${target.origin}`);
}

function refused(why: string): MoovOriginError {
  return new MoovOriginError(
    `Refused before sending: ${why}. req.moov talks to Moov alone; give a path, such as "/accounts", and put values into it with moovPath.`,
  );
}

const MOST_RETRIES = 10;

/**
 * Refuses settings of a call that would bypass this package's rules.
 *
 * @returns how often the call may be retried, if it sets that itself.
 * @throws {@link MoovConfigError} naming the setting; nothing has been sent.
 */
export function assertSettings(
  config: InternalAxiosRequestConfig & { 'axios-retry'?: unknown },
  baseURL: string,
): number | undefined {
  // The adapter was checked earlier, where it could still be replaced: before Axios called it.
  const allowed: Readonly<Record<string, unknown>> = { baseURL, maxRedirects: 0, adapter: config.adapter };
  const changed = reservedSettings.find(
    (name) => config[name] !== undefined && config[name] !== allowed[name],
  );
  if (changed !== undefined) throw bypassed(`"${changed}"`, 'It is set once, for every call.');
  if (config.cancelToken !== undefined) {
    throw bypassed(
      '"cancelToken"',
      'Axios has deprecated it, and it cannot end the wait before a retry; use "signal".',
    );
  }
  if (config.proxy !== undefined) throw bypassed('"proxy"', 'Set it for every call, in the option "axios".');
  assertHTTP1(config.httpVersion);
  assertEncoding(config);
  for (const [name, instead] of optionsOfAll) if (name in config) throw bypassed(`"${name}"`, instead);
  assertWritable(config);
  return readRetries(config['axios-retry']);
}

/** A controller instead of its signal would be ignored. */
export function assertSignal(signal: unknown): void {
  if (signal === undefined || signal === null) return;
  if (isObject(signal) && 'addEventListener' in signal && 'aborted' in signal) return;
  throw new MoovConfigError(`signal: expected an AbortSignal; got ${describeType(signal)}.`);
}

/** @throws {@link MoovConfigError} for an invalid time. */
export function assertTimeout(timeout: unknown): void {
  if (typeof timeout === 'number' && timeout >= 0) return;
  throw new MoovConfigError(
    `timeout: expected milliseconds, 0 or more, 0 being no limit; got ${describeType(timeout)}.`,
  );
}

/**
 * A config that cannot be changed would hide an error that the application's `transformResponse` throws after a
 * payment.
 */
function assertWritable(config: InternalAxiosRequestConfig): void {
  const isWritable = Reflect.set(config, 'transformResponse', config.transformResponse);
  if (isWritable && Object.isExtensible(config)) return;
  throw new MoovConfigError('The config of a call must not be frozen, sealed or read-only.');
}

/** Options of `moovAuth` that would be ignored in a call, and what to use instead. */
const optionsOfAll = [
  ['timeoutMs', 'For one call it is "timeout".'],
  ['attemptTimeoutMs', 'It is one for all calls, and counts only time without a byte.'],
  ['retries', "For one call it is 'axios-retry': { retries }."],
] as const;

/** Axios detects this only when the response arrives, which is too late for a payment. */
function assertEncoding(config: InternalAxiosRequestConfig): void {
  const { responseEncoding, responseType } = config;
  if (!responseEncoding || responseType === 'stream' || responseType === 'arraybuffer') return;
  if (Buffer.isEncoding(responseEncoding)) return;
  const cause = new TypeError(`Unknown encoding: ${String(responseEncoding)}`);
  throw AxiosError.from(cause, 'ERR_UNKNOWN_ENCODING', config);
}

/**
 * Headers for the framing of a request (RFC 9112 section 6) or for the connection (RFC 9110 section 7.6.1). The
 * transport writes them.
 */
const framing = new Set([
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
]);

/** Headers that {@link assertHeaders} refuses, always or in most cases. None can be a default of all calls. */
export const reservedHeaders: ReadonlySet<string> = new Set([
  ...framing,
  'host',
  'authorization',
  'connection',
  'content-length',
  'idempotency-key',
  'x-idempotency-key',
]);

/** Moov's limit is 36 characters. An HTTP client would change or drop characters that a header cannot contain. */
const idempotencyKey = /^[\x21-\x7e](?:[\x20-\x7e]{0,34}[\x21-\x7e])?$/;

/**
 * Refuses headers that this package or the transport sets, and a key that cannot be sent unchanged.
 *
 * @returns the idempotency key, if the call has one.
 * @throws {@link MoovConfigError} naming the header; nothing has been sent.
 */
export function assertHeaders(headers: RequestHeaders, body: CallBody): string | undefined {
  let key: string | undefined;
  for (const name of Object.keys(headers)) {
    const value: unknown = headers[name];
    // This is how a caller leaves out a header.
    if (value === undefined || value === null || value === false) continue;
    const lowerCase = name.trim().toLowerCase();
    if (lowerCase !== 'x-idempotency-key') {
      assertHeader(lowerCase, value, body);
      continue;
    }
    if (key !== undefined) throw new MoovConfigError('X-Idempotency-Key: expected one, got two.');
    key = readKey(value);
  }
  return key;
}

/** Values converted to text by JavaScript: with a forgotten `await`, every payment would have the same key. */
const noText = /^(\[object .*\]|undefined|null|NaN|-?Infinity|true|false)$/;

function readKey(value: unknown): string {
  if (typeof value === 'string' && idempotencyKey.test(value) && !noText.test(value)) return value;
  throw new MoovConfigError(
    "X-Idempotency-Key: expected 1 to 36 printable ASCII characters, without spaces at the ends, made of a text and not of another value, such as idempotencyKey('order', orderID) makes.",
  );
}

function assertHeader(name: string, value: unknown, body: CallBody): void {
  if (framing.has(name)) throw bypassed(`a "${name}" header`, 'The transport sets it where it is needed.');
  switch (name) {
    case 'host':
      throw bypassed('a "Host" header', 'It is that of the base URL.');
    case 'authorization':
      throw bypassed('an "Authorization" header', 'The access token is added just before sending.');
    case 'connection':
      if (/^(close|keep-alive)$/i.test(String(value))) break;
      throw bypassed(
        'a "Connection" header other than close or keep-alive',
        'It can take other headers off.',
      );
    case 'content-length':
      if (!body.replayable && /^\d+$/.test(String(value))) break;
      throw bypassed('a "Content-Length" header', 'It is known of everything but a stream.');
    case 'idempotency-key':
      throw bypassed('an "Idempotency-Key" header', 'Moov reads X-Idempotency-Key.');
  }
}

/** Over HTTP/2, Axios does not report when a request is given to a connection. Without that, no retry is safe. */
export function assertHTTP1(version: unknown): void {
  if (version !== undefined && version !== 1) throw new MoovConfigError('httpVersion: expected 1 or none.');
}

/** @throws {@link MoovConfigError} when a call would use another adapter than the one that adds the token. */
export function assertAdapter(config: InternalAxiosRequestConfig, adapter: AxiosAdapter): void {
  if (config.adapter !== adapter) throw bypassed('"adapter"', 'It is set once, for every call.');
}

/** Reads each member once, and only `retries`. */
function readRetries(settings: unknown): number | undefined {
  if (settings === undefined) return undefined;
  const { retries, ...others } = isObject(settings)
    ? { retries: undefined, ...settings }
    : { others: settings };
  const isCount = Number.isInteger(retries) && Number(retries) >= 0 && Number(retries) <= MOST_RETRIES;
  if (Object.keys(others).length === 0 && (retries === undefined || isCount)) return retries;
  throw bypassed(
    '"axios-retry" with more than { retries }, a whole number from 0 to 10',
    'What may be sent again is decided here.',
  );
}

function bypassed(what: string, why: string): MoovConfigError {
  return new MoovConfigError(`A call on req.moov can't have ${what}. ${why}`);
}
