import type { Request } from 'express';
import { isObject } from '../utils/value-type.js';
import { BodyError, declaredBody, readText, tooLarge } from './request-bytes.js';

const LARGEST_BODY_BYTES = 16_384;

/** Of `{}`, and of a JSON object that is not empty: `{"":0}`. */
const EMPTY_OBJECT_BYTES = 2;
const SHORTEST_FIELD_BYTES = 6;

/**
 * Reads the fields of a JSON or form body of at most 16 KiB, whether or not the application or an adapter has read it
 * before.
 *
 * To send no body can ask for more than any body does. So its absence is proven, by the headers or by a stream that
 * was read to its end; a body that was lost on its way is refused.
 *
 * @returns `undefined` when there is no body.
 * @throws {@link BodyError} for a body that is too large, was lost, can't be parsed or is not an object.
 */
export async function readFields(req: Request): Promise<Record<string, unknown> | undefined> {
  const { length, none, endless } = declaredBody(req);
  if (length !== undefined && length > LARGEST_BODY_BYTES) throw tooLarge(LARGEST_BODY_BYTES);
  const body: unknown = req.body;
  if (!isBlank(body)) return readParsed(body, req);
  if (none) {
    // An adapter may give a body that its headers do not declare.
    if (req.readable && req.read() !== null) throw withoutLength();
    return undefined;
  }
  if (endless) throw withoutLength();
  if (req.readableDidRead || !req.readable) return readEmptied(body, req, length);
  const text = await readText(req, length, LARGEST_BODY_BYTES);
  return text === '' ? undefined : parse(text, req);
}

function withoutLength(): BodyError {
  return new BodyError(400, 'The body has no Content-Length. For none, send "Content-Length: 0".');
}

/** What parsers leave for a body that they did not read, and what adapters set without a body. */
export function isBlank(body: unknown): boolean {
  if (body === undefined || body === null || body === '') return true;
  if (body instanceof Uint8Array) return body.length === 0;
  return isPlainObject(body) && Object.keys(body).length === 0;
}

function isPlainObject(value: unknown): value is object {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Not compared with Object.prototype, as test runners have a second one.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a parser of the application, or an adapter, has made of the body. */
function readParsed(body: unknown, req: Request): Record<string, unknown> {
  if (!isJSON(req) && !isForm(req)) {
    throw new BodyError(400, 'The body was read before this route, and not as JSON or a form.');
  }
  const text = body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : body;
  const size = Buffer.byteLength(typeof text === 'string' ? text : stringified(text));
  if (size > LARGEST_BODY_BYTES) throw tooLarge(LARGEST_BODY_BYTES);
  return typeof text === 'string' ? parse(text, req) : asFields(text);
}

/**
 * A body that is gone, and of which nothing is left: some parsers leave an empty object for what they did not read, and
 * for fields that they drop. Only one that is too short for a field is known to have had none.
 */
function readEmptied(body: unknown, req: Request, length = LARGEST_BODY_BYTES): Record<string, unknown> {
  const holdsNone = length >= EMPTY_OBJECT_BYTES && length < SHORTEST_FIELD_BYTES;
  if (holdsNone && req.complete && isJSON(req) && isPlainObject(body)) return {};
  throw new BodyError(
    400,
    'The body was read before this route or lost, and nothing is left of it. For none, send "Content-Length: 0".',
  );
}

function stringified(body: unknown): string {
  try {
    return JSON.stringify(body) ?? '';
  } catch {
    throw notFields();
  }
}

function parse(text: string, req: Request): Record<string, unknown> {
  if (isJSON(req)) {
    try {
      return asFields(JSON.parse(text));
    } catch (error) {
      throw error instanceof BodyError ? error : new BodyError(400, 'The body is not valid JSON.');
    }
  }
  if (!isForm(req)) {
    throw new BodyError(400, 'Expected application/json or application/x-www-form-urlencoded.');
  }
  const fields = new Map<string, unknown>();
  for (const [name, value] of new URLSearchParams(text)) {
    // RFC 6749 section 3.2: a parameter must not come twice.
    if (fields.has(name)) throw new BodyError(400, 'A field is given more than once.');
    fields.set(name, value);
  }
  if (fields.size === 0) throw new BodyError(400, 'The form has no field.');
  return Object.fromEntries(fields);
}

function asFields(body: unknown): Record<string, unknown> {
  if (isPlainObject(body)) return { ...body };
  throw notFields();
}

function notFields(): BodyError {
  return new BodyError(400, 'Expected an object of fields.');
}

function isJSON(req: Request): boolean {
  const type = mediaType(req);
  return type === 'application/json' || type.endsWith('+json');
}

/** Whether the body is `application/x-www-form-urlencoded`. */
export function isForm(req: Request): boolean {
  return mediaType(req) === 'application/x-www-form-urlencoded';
}

/** By the header alone: Express's `req.is` knows no type where an adapter has left out the length. */
function mediaType(req: Request): string {
  return req.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
