import { pipeline, type Readable, Transform } from 'node:stream';
import { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { bareError } from '../bare-error.js';
import { decompressors } from './decompression.js';
import { progress } from './progress.js';

/**
 * Returns the streams between the connection and the caller: decompression and progress. Removes the decoded header.
 */
export function responseSteps(response: AxiosResponse): readonly Transform[] {
  const { config, headers, status } = response;
  const steps: Transform[] = [];
  if (config.onDownloadProgress) {
    const length: unknown = headers['content-length'];
    const total = typeof length === 'string' && Number.isFinite(Number(length)) ? Number(length) : undefined;
    steps.push(progress(config.onDownloadProgress, 'download', total));
  }
  const encoding: unknown = headers['content-encoding'];
  if (config.decompress === false || typeof encoding !== 'string' || status === 304) return steps;
  if (status === 204 || config.method?.toUpperCase() === 'HEAD') {
    delete headers['content-encoding'];
    return steps;
  }
  const undo = decompressors(encoding);
  if (undo.length > 0) delete headers['content-encoding'];
  return [...steps, ...undo];
}

/** Pipes the source through all steps. An error of any step becomes an error of the result. */
export function through(source: Readable, steps: readonly Transform[]): Readable {
  return steps.reduce<Readable>((stream, step) => pipeline(stream, step, () => undefined), source);
}

/** Limits a stream to `maxContentLength`. Its error is emitted after the caller has had time to listen. */
export function withinLimit(stream: Readable, config: InternalAxiosRequestConfig): Readable {
  const limit = config.maxContentLength;
  if (limit === undefined || limit < 0) return stream;
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      bytes += chunk.length;
      if (bytes > limit) setImmediate(callback, bareError(tooLarge(limit, config)));
      else callback(null, chunk);
    },
  });
  return pipeline(stream, counter, () => undefined);
}

export function tooLarge(limit: number, config: InternalAxiosRequestConfig): AxiosError {
  return new AxiosError(`maxContentLength size of ${limit} exceeded`, AxiosError.ERR_BAD_RESPONSE, config);
}

/** Converts the bytes to the requested response type. Those of a stream are returned as they are. */
export function decoded(chunks: readonly Buffer[], config: InternalAxiosRequestConfig): Buffer | string {
  const [first] = chunks;
  const bytes = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
  if (config.responseType === 'arraybuffer' || config.responseType === 'stream') return bytes;
  const encoding = bufferEncoding(config.responseEncoding);
  const text = bytes.toString(encoding);
  return encoding === 'utf8' && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function bufferEncoding(name: string | undefined): BufferEncoding {
  if (!name) return 'utf8';
  if (Buffer.isEncoding(name)) return name;
  throw Object.assign(new TypeError(`Unknown encoding: ${name}`), { code: 'ERR_UNKNOWN_ENCODING' });
}
