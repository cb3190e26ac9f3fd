import { PassThrough, pipeline, Readable, Transform } from 'node:stream';
import { isArrayBuffer } from 'node:util/types';
import { AxiosError, type InternalAxiosRequestConfig } from 'axios';
import { isForm, isFormOfPackage, isPipe, type PackagedForm } from '../body-kinds.js';
import type { RequestHeaders } from '../transport.js';
import { multipart } from './multipart.js';
import { progress } from './progress.js';

/** The bodies that undici accepts. */
export type RequestBody = string | Buffer | Readable | null;

/**
 * Converts the body to bytes or a stream, and sets the headers that it requires, as Axios's own adapter does.
 *
 * @param headers - `Content-Type` and `Content-Length` are set here if the body decides them.
 * @returns a promise only for a form of the form-data package, which has to read the sizes of its files.
 * @throws AxiosError for an invalid body, and for one that is longer than `maxBodyLength`.
 */
export function requestBody(
  config: InternalAxiosRequestConfig,
  headers: RequestHeaders,
): RequestBody | Promise<RequestBody> {
  const data: unknown = config.data;
  if (!data) return null;
  if (typeof data === 'string') return plain(data, Buffer.byteLength, config, headers);
  if (Buffer.isBuffer(data)) return plain(data, ({ length }) => length, config, headers);
  if (isArrayBuffer(data)) return plain(Buffer.from(data), ({ length }) => length, config, headers);
  if (isFormOfPackage(data)) return packagedForm(data, config, headers);
  if (isForm(data)) return streamed(multipart(data, headers), config, headers);
  if (data instanceof Blob) {
    if (data.size > 0) headers.setContentType(data.type || 'application/octet-stream');
    headers.setContentLength(data.size);
    return streamed(Readable.from(data.stream(), { objectMode: false }), config, headers);
  }
  if (isPipe(data)) return streamed(data, config, headers);
  throw new AxiosError(
    'Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream',
    AxiosError.ERR_BAD_REQUEST,
    config,
  );
}

function plain<Body extends string | Buffer>(
  body: Body,
  lengthOf: (body: Body) => number,
  config: InternalAxiosRequestConfig,
  headers: RequestHeaders,
): RequestBody {
  const { maxBodyLength = -1, onUploadProgress } = config;
  if (maxBodyLength > -1 && lengthOf(body) > maxBodyLength) throw tooLong(config);
  if (!onUploadProgress) return body;
  headers.setContentLength(lengthOf(body), false);
  const stream = Readable.from(Buffer.from(body), { objectMode: false });
  return pipeline(stream, uploadProgress(onUploadProgress, headers), noop);
}

function streamed(
  source: NodeJS.ReadableStream,
  config: InternalAxiosRequestConfig,
  headers: RequestHeaders,
): Readable {
  const { maxBodyLength = -1, onUploadProgress } = config;
  const steps: Transform[] = [];
  if (onUploadProgress) steps.push(uploadProgress(onUploadProgress, headers));
  if (maxBodyLength > -1) steps.push(limited(maxBodyLength, config));
  const [first = new PassThrough(), ...rest] = steps;
  if (steps.length === 0 && source instanceof Readable) return source;
  source.on('error', (error: Error) => first.destroy(error));
  source.pipe(first);
  return rest.reduce<Readable>((stream, step) => pipeline(stream, step, noop), first);
}

async function packagedForm(
  form: PackagedForm,
  config: InternalAxiosRequestConfig,
  headers: RequestHeaders,
): Promise<RequestBody> {
  const contentOnly = config.formDataHeaderPolicy === 'content-only';
  for (const [name, value] of Object.entries(form.getHeaders())) {
    if (!contentOnly || /^content-(type|length)$/i.test(name)) headers.set(name, value);
  }
  if (!headers.hasContentLength()) {
    const length = await new Promise<number | undefined>((resolve) => {
      if (form.getLength === undefined) resolve(undefined);
      else form.getLength((error, found) => resolve(error ? undefined : found));
    });
    if (length !== undefined && length >= 0) headers.setContentLength(length);
  }
  return streamed(form, config, headers);
}

function uploadProgress(
  listener: NonNullable<InternalAxiosRequestConfig['onUploadProgress']>,
  headers: RequestHeaders,
): Transform {
  const length = Number(headers.getContentLength() ?? Number.NaN);
  return progress(listener, 'upload', Number.isFinite(length) ? length : undefined);
}

function limited(limit: number, config: InternalAxiosRequestConfig): Transform {
  let sent = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      sent += chunk.length;
      if (sent > limit) callback(tooLong(config));
      else callback(null, chunk);
    },
  });
}

function tooLong(config: InternalAxiosRequestConfig): AxiosError {
  return new AxiosError('Request body larger than maxBodyLength limit', AxiosError.ERR_BAD_REQUEST, config);
}

function noop(): void {}
