import type { IncomingHttpHeaders } from 'node:http';
import { isRecord, splitTarget } from './http/call.js';

// What is shown to a person, in the log and on the page. A real key, token or card may arrive when only the base URL of
// an application was changed.

const secretHeaders = ['cookie', 'set-cookie', 'proxy-authorization'];

/** Names in bodies, queries and headers, in lower case without separators and the `x-` of a header. */
const secretNames = [
  'accesstoken',
  'accountnumber',
  'apikey',
  'authtoken',
  'birthdate',
  'cardcvv',
  'cardnumber',
  'clientsecret',
  'governmentid',
  'password',
  'refreshtoken',
  'secret',
  'secretkey',
  'taxid',
  'token',
];

const MASK = '•••';

/** How many objects and lists, one in the other, are shown of a body. */
const DEEPEST = 100;

/** Text that an unparsed body can't be searched in, as it may hold a secret in any form. */
const HIDDEN = '(not shown: neither JSON nor a form)';

/** Which credential a request has brought: the last four characters of a token, never more. */
export function credentialOf({ authorization = '' }: IncomingHttpHeaders): string | undefined {
  const token = /^bearer +(\S+)/i.exec(authorization)?.[1];
  if (token !== undefined) return `token ${tail(token)}`;
  if (/^basic /i.test(authorization)) return 'API key';
  return authorization === '' ? undefined : 'another credential';
}

/** The last four characters of a secret, if it is long enough to keep the rest. */
export function tail(secret: string): string {
  return secret.length >= 16 ? `…${secret.slice(-4)}` : MASK;
}

/** Path and query without the values of secrets. */
export function maskedPath(path: string): string {
  const [pathname, query] = splitTarget(path);
  return query === '' ? path : `${pathname}?${maskedForm(query)}`;
}

/** The pairs of a query or a form without the values of secrets, as `URLSearchParams` reads them. */
function maskedForm(text: string): string {
  return text
    .split('&')
    .map((pair) => (isSecretName(nameOf(pair)) ? pair.replace(/=.*/s, `=${MASK}`) : pair))
    .join('&');
}

/** The name of a pair, decoded. */
function nameOf(pair: string): string {
  const [name = ''] = new URLSearchParams(pair).keys();
  return name;
}

/** Whether a text can only be a form: other text may come with the type of a form, as `curl -d` sends it. */
function isForm(text: string): boolean {
  return text.split('&').every((pair) => pair.includes('=') && /^[\w.[\]-]+$/.test(nameOf(pair)));
}

export function maskedHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, maskedHeader(name.toLowerCase(), String(value))]),
  );
}

function maskedHeader(name: string, value: string): string {
  if (secretHeaders.includes(name) || isSecretName(name)) return MASK;
  if (name !== 'authorization') return value;
  const [scheme = '', credential] = value.split(' ');
  if (credential === undefined) return MASK;
  return `${scheme} ${/^bearer$/i.test(scheme) ? tail(credential) : MASK}`;
}

/**
 * A body as text, with its secrets masked. What it is decides, and not its type alone, which may be wrong.
 *
 * @param body - As parsed from JSON, or as text.
 */
export function maskedBody(body: unknown, contentType: string): string {
  if (body === undefined || body === '') return '';
  if (typeof body !== 'string') return JSON.stringify(masked(body), undefined, 2);
  if (looksLikeJson(body)) return maskedJson(body);
  if (/x-www-form-urlencoded/i.test(contentType) && isForm(body)) return maskedForm(body);
  if (/^multipart\//i.test(contentType)) return `(multipart, ${body.length} characters)`;
  return HIDDEN;
}

/** Whether a text begins as an object or a list does. */
export function looksLikeJson(text: string): boolean {
  return /^\s*[{[]/.test(text);
}

function maskedJson(text: string): string {
  try {
    return JSON.stringify(masked(JSON.parse(text)), undefined, 2);
  } catch {
    return HIDDEN;
  }
}

function masked(value: unknown, depth = 0): unknown {
  if (typeof value === 'object' && value !== null && depth === DEEPEST) return '(nested deeper)';
  if (Array.isArray(value)) return value.map((inner) => masked(inner, depth + 1));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      isSecretName(name) ? maskedValue(inner) : masked(inner, depth + 1),
    ]),
  );
}

function maskedValue(value: unknown): unknown {
  return typeof value === 'string' ? tail(value) : MASK;
}

function isSecretName(name: string): boolean {
  // The last part of names such as card[cardNumber].
  const [last = ''] = name
    .split(/[.[\]]+/)
    .filter(Boolean)
    .slice(-1);
  return secretNames.includes(
    last
      .toLowerCase()
      .replace(/^x-/, '')
      .replaceAll(/[^a-z]/g, ''),
  );
}
