import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { Request } from 'express';

/** Why a body cannot be used, and the status to respond with. */
export class BodyError extends Error {
  readonly status: 400 | 413;

  constructor(status: 400 | 413, message: string) {
    super(message);
    this.status = status;
  }
}

export function tooLarge(limit: number): BodyError {
  return new BodyError(413, `The body is larger than ${limit} bytes.`);
}

/** What the headers say about the body, as received and as left by middleware. */
interface Declared {
  /** `undefined` if it is not stated. */
  readonly length: number | undefined;
  /** Whether they prove that there is no body. */
  readonly none: boolean;
  /** Whether there may be a body without a known end. */
  readonly endless: boolean;
}

/**
 * RFC 9112 section 6.3: no body means a `Content-Length` of 0, or neither that nor `Transfer-Encoding`. HTTP/2 needs
 * neither for a body. Some HTTP/1.0 clients set a type and send a body until the end of the connection, which RFC 1945
 * section 7.2.2 forbids.
 */
export function declaredBody(req: Request): Declared {
  const lengths = headerValues(req, 'content-length');
  const chunked = headerValues(req, 'transfer-encoding').length > 0;
  const length =
    lengths.length > 0 && lengths.every(isWholeNumber) ? Math.max(...lengths.map(Number)) : undefined;
  const unstated = !chunked && lengths.length === 0 && !(req.httpVersionMajor >= 2);
  const endless = unstated && req.httpVersion === '1.0' && req.headers['content-type'] !== undefined;
  return { length, none: !chunked && !endless && (length === 0 || unstated), endless };
}

/** For a header that middleware removed, the received value counts. */
function headerValues({ headers, rawHeaders = [] }: Request, name: string): string[] {
  const received = rawHeaders.filter(
    (_, index) => rawHeaders[index - 1]?.toLowerCase() === name && index % 2 === 1,
  );
  const current: unknown = headers[name];
  return current === undefined ? received : [...received, String(current)];
}

function isWholeNumber(text: string): boolean {
  return /^\d+$/.test(text.trim());
}

/**
 * Reads an unread body to its end, and decompresses it.
 *
 * @param length - Its declared length.
 * @param limit - Maximum number of bytes, before and after decompression.
 * @returns the text. It is empty only if the stream was read to its end and had no bytes.
 * @throws {@link BodyError} when the body is too large, was not received completely, or can't be decompressed.
 */
export async function readText(req: Request, length: number | undefined, limit: number): Promise<string> {
  const bytes = await readAll(req, limit);
  if (length !== undefined && bytes.length !== length) throw incomplete();
  if (bytes.length === 0) return '';
  const text = (await decompress(bytes, req.headers['content-encoding'], limit)).toString('utf8');
  if (text === '')
    throw new BodyError(
      400,
      'The body is empty when it is decompressed. For none, send "Content-Length: 0".',
    );
  return text;
}

function readAll(req: Request, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = () => reject(incomplete());
    if (!req.readable) return fail();
    const keep = (chunk: Buffer | string) => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      size += bytes.length;
      if (size <= limit) {
        chunks.push(bytes);
        return;
      }
      // The rest must still be received, or the connection cannot be reused.
      req.off('data', keep).resume();
      reject(tooLarge(limit));
    };
    req
      .on('data', keep)
      .on('error', fail)
      .once('close', fail)
      .once('end', () => (req.complete ? resolve(Buffer.concat(chunks)) : fail()));
    // A guard may have paused it.
    req.resume();
  });
}

function incomplete(): BodyError {
  return new BodyError(400, 'The body was not received completely.');
}

const decompressors = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

async function decompress(bytes: Buffer, encoding: string | undefined, limit: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return bytes;
  const run = decompressors.get(name);
  if (run === undefined) throw new BodyError(400, 'The Content-Encoding must be gzip, deflate or br.');
  return run(bytes, { maxOutputLength: limit }).catch((error: unknown) => {
    const overLimit = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    throw overLimit ? tooLarge(limit) : new BodyError(400, 'The body could not be read.');
  });
}
