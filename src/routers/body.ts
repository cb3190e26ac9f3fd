import express, { type Request, type Response } from 'express';

const LARGEST_BODY_BYTES = 16_384;

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
  if (Number(req.headers['content-length'] ?? 0) > LARGEST_BODY_BYTES) throw tooLarge();
  const parsed = req.readableDidRead ? readByApplication(req) : await readRaw(req, res);
  const body = Buffer.isBuffer(parsed) ? parsed.toString('utf8') : parsed;
  if (body === undefined || body === '') return undefined;
  return asFields(typeof body === 'string' ? parse(body, req) : body);
}

/** A body that was read and left no trace must not pass for an empty one, which asks for something else. */
function readByApplication(req: Request): unknown {
  if (req.body === undefined || !req.is(['json', '+json', 'urlencoded'])) {
    throw new BodyError(400, 'The body was read before this route, and not as JSON or a form.');
  }
  return req.body;
}

function readRaw(req: Request, res: Response): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // A parser that looked at the request and did not want it may have left an empty object.
    req.body = undefined;
    raw(req, res, (error: unknown) => {
      if (error === undefined) resolve(Buffer.isBuffer(req.body) ? req.body : undefined);
      else reject(isTooLarge(error) ? tooLarge() : new BodyError(400, 'The body could not be read.'));
    });
  });
}

function parse(text: string, req: Request): unknown {
  if (req.is(['json', '+json'])) {
    try {
      return JSON.parse(text);
    } catch {
      throw new BodyError(400, 'The body is not valid JSON.');
    }
  }
  if (!req.is('urlencoded')) {
    throw new BodyError(400, 'Expected application/json or application/x-www-form-urlencoded.');
  }
  const fields: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    // RFC 6749 section 3.2: a parameter must not come twice.
    if (Object.hasOwn(fields, name)) throw new BodyError(400, 'A field is given more than once.');
    fields[name] = value;
  }
  return fields;
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
