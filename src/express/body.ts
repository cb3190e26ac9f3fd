import express, { type Request, type Response } from 'express';

const LARGEST_BODY_BYTES = 16_384;

const JSON_TYPES = ['json', '+json'];
const FORM_TYPE = 'urlencoded';

/** Of a JSON object that is not empty: `{"":0}`. */
const SHORTEST_FIELD_BYTES = 6;

/** Why a body can't be used, and the status that says so. */
export class BodyError extends Error {
  readonly status: 400 | 413;

  constructor(status: 400 | 413, message: string) {
    super(message);
    this.status = status;
  }
}

const raw = express.raw({ type: () => true, limit: LARGEST_BODY_BYTES });

/**
 * The fields of a JSON or form body of at most 16 KiB, whether or not the application's own parser has read it.
 *
 * @returns `undefined` for no body at all.
 * @throws {@link BodyError} for a body that is too large, can't be parsed or is not an object.
 */
export async function readFields(req: Request, res: Response): Promise<Record<string, unknown> | undefined> {
  // Not a number for a body in chunks.
  const length = Number(req.headers['content-length']);
  if (length === 0) return undefined;
  if (length > LARGEST_BODY_BYTES) throw tooLarge();
  if (req.readableDidRead) return readByApplication(req, length);
  const text = await readRaw(req, res);
  return text === '' ? undefined : parse(text, req);
}

/**
 * What the application's parser left. A body that was read and left no trace must not pass for an empty one, which
 * asks for something else: some parsers leave an empty object for what they did not read, and for fields they drop.
 */
function readByApplication(req: Request, length: number): Record<string, unknown> {
  const body: unknown = req.body;
  if (body === undefined || !req.is([...JSON_TYPES, FORM_TYPE])) {
    throw new BodyError(400, 'The body was read before this route, and not as JSON or a form.');
  }
  const text = Buffer.isBuffer(body) ? body.toString('utf8') : body;
  if (Buffer.byteLength(typeof text === 'string' ? text : JSON.stringify(text)) > LARGEST_BODY_BYTES) {
    throw tooLarge();
  }
  if (typeof text === 'string') {
    if (text !== '') return parse(text, req);
  } else {
    const fields = asFields(text);
    const holdsNone = req.is(JSON_TYPES) !== false && length < SHORTEST_FIELD_BYTES;
    if (holdsNone || Object.keys(fields).length > 0) return fields;
  }
  throw new BodyError(
    400,
    'The body was read before this route, and nothing is left of it. For none, send "Content-Length: 0".',
  );
}

function readRaw(req: Request, res: Response): Promise<string> {
  return new Promise((resolve, reject) => {
    // A parser that looked at the request and did not want it may have left an empty object.
    req.body = undefined;
    raw(req, res, (error: unknown) => {
      if (error === undefined) resolve(Buffer.isBuffer(req.body) ? req.body.toString('utf8') : '');
      else reject(isTooLarge(error) ? tooLarge() : new BodyError(400, 'The body could not be read.'));
    });
  });
}

function parse(text: string, req: Request): Record<string, unknown> {
  if (req.is(JSON_TYPES)) {
    try {
      return asFields(JSON.parse(text));
    } catch (error) {
      throw error instanceof BodyError ? error : new BodyError(400, 'The body is not valid JSON.');
    }
  }
  if (!req.is(FORM_TYPE)) {
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
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body };
  throw new BodyError(400, 'Expected an object of fields.');
}

function isTooLarge(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'type' in error && error.type === 'entity.too.large';
}

function tooLarge(): BodyError {
  return new BodyError(413, `The body is larger than ${LARGEST_BODY_BYTES} bytes.`);
}
