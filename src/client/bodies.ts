import { PassThrough, Readable } from 'node:stream';
import { types } from 'node:util';
import { AxiosError, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import { leaveAsIs } from '../transports/bare-error.js';
import { isForm, isFormOfPackage, isPipe } from '../transports/body-kinds.js';
import { toError } from '../utils/errors.js';
import { isObject } from '../utils/value-type.js';

/** The body of a call, fixed when the call is checked. Each attempt sends what {@link forAttempt} returns. */
export interface CallBody {
  /** Whether it can be sent again. A stream cannot, because the first attempt consumes it. */
  readonly replayable: boolean;
  /**
   * @param sent - Called with the number of bytes of the caller's stream that were passed on.
   * @throws AxiosError when the caller's stream ended before any of it was sent.
   */
  forAttempt(config: InternalAxiosRequestConfig, sent: (bytes: number) => void): unknown;
  /** Why the caller's own stream failed, if it did. */
  readonly error: Error | undefined;
  /** The error of a call that ended for that reason. */
  failure(config: InternalAxiosRequestConfig): AxiosError | undefined;
  /** Closes the files that the caller's stream holds open. */
  release(): void;
}

/** Fixes the body of a call: later changes by the caller are not sent. */
export function fixBody(data: unknown): CallBody {
  if (!isObject(data)) return fixed(data);
  // Blobs and strings cannot change. For a form, the entries are copied, not their bytes.
  if (Buffer.isBuffer(data)) return fixed(Buffer.from(data));
  if (types.isArrayBuffer(data)) return fixed(Buffer.from(data.slice(0)));
  if (isForm(data)) return fixed(new FixedForm([...data].map(([name, value]) => [name, plainValue(value)])));
  if (data instanceof Blob) return fixed(plainBlob(data));
  if (isPipe(data)) return new StreamBody(data);
  return data instanceof ReadableStream ? { ...fixed(data), replayable: false } : fixed(data);
}

/** A Blob of the built-in class, whose bytes cannot change. An application's own class may have another stream. */
function plainBlob(blob: Blob): Blob {
  if (Object.getPrototypeOf(blob) === Blob.prototype) return blob;
  return Blob.prototype.slice.call(blob, 0, blob.size, blob.type);
}

function plainValue(value: unknown): unknown {
  if (!(value instanceof File) || Object.getPrototypeOf(value) === File.prototype) return value;
  return new File([plainBlob(value)], value.name, { type: value.type });
}

function fixed(data: unknown): CallBody {
  return {
    replayable: true,
    forAttempt: () => data,
    error: undefined,
    failure: () => undefined,
    release: () => undefined,
  };
}

/** Copies the entries of a form at the time of the check, in the form that Axios and this package send. */
class FixedForm {
  readonly #entries: readonly [string, unknown][];

  constructor(entries: readonly [string, unknown][]) {
    this.#entries = entries;
  }

  get [Symbol.toStringTag](): string {
    return 'FormData';
  }

  append(): void {
    throw new TypeError('The form of a call that is being sent cannot be changed');
  }

  entries(): IterableIterator<[string, unknown]> {
    return this.#entries.values();
  }

  [Symbol.iterator](): IterableIterator<[string, unknown]> {
    return this.entries();
  }
}

/** A stream from the caller. It may fail before it is sent, for example while a token is awaited. */
class StreamBody implements CallBody {
  readonly replayable = false;
  readonly #source: NodeJS.ReadableStream;
  #error: Error | undefined;

  constructor(source: NodeJS.ReadableStream) {
    this.#source = source;
    source.on('error', (error: unknown) => this.#failed(error));
  }

  get error(): Error | undefined {
    const errored: unknown = this.#source instanceof Readable ? this.#source.errored : null;
    return errored === null ? this.#error : this.#failed(errored);
  }

  #failed(reason: unknown): Error {
    this.#error ??= leaveAsIs(toError(reason));
    return this.#error;
  }

  failure(config: InternalAxiosRequestConfig): AxiosError | undefined {
    const { error } = this;
    if (error === undefined) return undefined;
    const failure = AxiosError.from(error, codeOf(error), config);
    // Axios takes it over from the error, and it would read as Moov's.
    delete failure.status;
    return failure;
  }

  forAttempt(config: InternalAxiosRequestConfig, sent: (bytes: number) => void): unknown {
    const source = this.#source;
    const failure = this.failure(config);
    if (failure !== undefined) throw failure;
    if (source instanceof Readable && source.destroyed) {
      const cause = new Error('The body was over before it was sent');
      throw AxiosError.from(cause, AxiosError.ERR_BAD_REQUEST, config);
    }
    return isFormOfPackage(source) ? source : unlinked(source, sent);
  }

  release(): void {
    for (const source of [this.#source, ...sourcesOf(this.#source)]) {
      if (source instanceof Readable && !source.destroyed && !source.readableEnded) source.destroy();
    }
  }
}

/** A code of Axios's says what became of a call of the caller's to another service, and not of this one. */
function codeOf(error: Error): string | undefined {
  if (isAxiosError(error)) return AxiosError.ERR_BAD_REQUEST;
  return 'code' in error && typeof error.code === 'string' ? undefined : AxiosError.ERR_BAD_REQUEST;
}

/**
 * Copies a stream without keeping a reference from the source to the copy. A piped stream refers to its target, and the
 * caller's stream stays in the config, where logs could reach the request through it.
 */
function unlinked(body: NodeJS.ReadableStream, sent: (bytes: number) => void): PassThrough {
  const copy = new PassThrough();
  // The request may have ended, and no longer listen, when the caller's stream fails.
  copy.on('error', () => undefined);
  body.on('data', (chunk) => {
    // Objects of a stream in object mode cannot be sent; writing to the copy fails.
    if (typeof chunk === 'string' || types.isUint8Array(chunk)) sent(Buffer.byteLength(chunk));
    // The attempt may end before the caller's stream.
    if (copy.destroyed) return void body.pause();
    try {
      if (!copy.write(chunk)) body.pause();
    } catch (error) {
      copy.destroy(toError(error));
    }
  });
  copy.on('drain', () => body.resume());
  body.on('end', () => copy.end());
  body.on('error', (error: unknown) => copy.destroy(toError(error)));
  body.on('close', () => {
    if (!copy.writableEnded) copy.destroy();
  });
  return copy;
}

/** The streams that a form of the form-data package has not sent yet. */
function sourcesOf(form: object): unknown[] {
  const parts: unknown = isFormOfPackage(form) ? Reflect.get(form, '_streams') : undefined;
  if (!Array.isArray(parts)) return [];
  return parts.map((part: unknown) => (isObject(part) ? Reflect.get(part, 'source') : undefined));
}
