import { Readable, type Transform } from 'node:stream';
import axios, { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { Dispatcher } from 'undici';
import { toError } from '../../utils/errors.js';
import { bareError } from '../bare-error.js';
import { STREAM_BUFFER_BYTES, type TransportObserver } from '../transport.js';
import { aborted, bodyFailure, coded, failure } from './failures.js';
import { responseHeaders } from './headers.js';
import { provesNoConnection } from './no-connection.js';
import type { RequestBody } from './request-body.js';
import { decoded, responseSteps, through, tooLarge, withinLimit } from './response-body.js';

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** One of this package's own connections, which sends one request. */
export interface RequestConnection {
  /** The complete response was received. */
  done(): void;
  /** The request ended before that. */
  abort(error: Error): void;
}

/** What is known about the application's Dispatcher. */
export interface DispatcherKnowledge {
  /** Whether it reports each request that begins: it is undici's own, or has reported one. */
  tellsStart: boolean;
}

/** One request and its response, as undici reports them. */
export class UndiciResponseHandler implements Dispatcher.DispatchHandler {
  readonly #config: InternalAxiosRequestConfig;
  readonly #observer: TransportObserver;
  readonly #resolve: (response: AxiosResponse) => void;
  readonly #reject: (error: unknown) => void;
  /** In bytes; -1 for none. */
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  /** The connection of the request, unless the application's Dispatcher has it. */
  connection: RequestConnection | undefined;
  #dispatcher: DispatcherKnowledge | undefined;
  #body: Readable | undefined;
  #response: AxiosResponse | undefined;
  /** The first and the last stream of a response whose bytes are not simply collected. */
  #source: Readable | undefined;
  #out: Readable | undefined;
  /** Set while a response that may be given as a Buffer is held back: until the end of the turn in which its headers came. */
  #held: NodeJS.Immediate | undefined;
  #bodyBytes = 0;
  #bytes = 0;
  /** Whether a byte of the request may have been given to a connection, as far as undici has reported. */
  #sent: 'no' | 'perhaps' | 'yes' = 'no';
  /** Whether the caller has a result, not counting the bytes of a stream. */
  #settled = false;
  #over = false;

  constructor(
    config: InternalAxiosRequestConfig,
    observer: TransportObserver,
    resolve: (response: AxiosResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#config = config;
    this.#observer = observer;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#limit = config.maxContentLength ?? -1;
    config.signal?.addEventListener?.('abort', this);
  }

  /** Whether nothing more is expected from the connection. */
  get over(): boolean {
    return this.#over;
  }

  /** Handles the signal's event. It also ends a streamed response that was not read completely. */
  handleEvent(): void {
    const error = new axios.CanceledError(undefined, this.#config);
    this.fail(error);
    this.#out?.destroy(error);
  }

  /** Watches the request body, so that its errors are reported as such. */
  sends(body: RequestBody): void {
    if (!(body instanceof Readable)) {
      this.#bodyBytes = body === null ? 0 : Buffer.byteLength(body);
      return;
    }
    // A body without a length is a stream from the caller, which is counted while it is read.
    this.#bodyBytes = Number(this.#config.headers.getContentLength()) || 0;
    this.#body = body;
    body.once('error', (error) => this.fail(bodyFailure(error, this.#config)));
    body.once('close', () => {
      if (!body.readableEnded) {
        this.fail(new axios.CanceledError('Request stream has been aborted', this.#config));
      }
    });
  }

  /**
   * The connection failed. undici treats a reset as the end of a response that has no length and is not chunked.
   */
  connectionLost(error: Error): void {
    if (this.#response === undefined || this.#over) return;
    if ('code' in error && error.code === 'ECONNRESET') this.#lose(error);
  }

  /** The request is given to the application's Dispatcher, which may send it without reporting that. */
  dispatched(knowledge: DispatcherKnowledge): void {
    this.#sent = 'perhaps';
    this.#dispatcher = knowledge;
  }

  /** undici refused the request, or failed to send it, with an error of its own. */
  reject(error: Error): void {
    this.#judge(error);
    this.fail(failure(error, this.#config, this.#response));
  }

  /** Ends the exchange in whatever state it is. */
  fail(error: Error): void {
    if (this.#over) return;
    this.#streamIfHeld();
    this.#end();
    this.#breakOff(error);
    this.#settle(error);
    this.#controller?.abort(error);
    this.connection?.abort(error);
    this.#body?.destroy();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#over || this.#controller !== undefined) {
      // The Dispatcher retries or follows redirects by itself, and cannot know whether a second send is safe.
      this.fail(AxiosError.from(sentTwice(), undefined, this.#config));
      controller.abort(aborted());
      return;
    }
    this.#controller = controller;
    this.#sent = 'yes';
    if (this.#dispatcher !== undefined) this.#dispatcher.tellsStart = true;
    this.#observer.sent(this.#bodyBytes);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Headers,
    statusText = '',
  ): void {
    if (this.#over || status < 200) return;
    this.#controller ??= controller;
    this.#sent = 'yes';
    const config = this.#config;
    const response: AxiosResponse = {
      status,
      statusText,
      headers: responseHeaders(headers),
      config,
      request: undefined,
      data: undefined,
    };
    this.#response = response;
    this.#observer.head(status, () => ({ ...response }));
    const steps = responseSteps(response);
    if (config.responseType === 'stream') {
      // Most responses are small and arrive together with their headers.
      const mayBeBytes = steps.length === 0 && this.#observer.takesBytes === true;
      if (mayBeBytes) this.#held = setImmediate(() => this.#streamIfHeld());
      else this.#stream(response, controller, steps);
    } else if (steps.length > 0) {
      this.#collect(through(this.#open(controller), steps));
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#observer.received();
    // The bytes of a stream with further steps are counted after the last one.
    if (this.#source === this.#out && this.#exceeds(chunk)) this.#refuse();
    else if (this.#source === undefined) this.#chunks.push(chunk);
    else if (!this.#source.push(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#over) return;
    if (this.#response === undefined) {
      this.reject(coded('socket hang up', 'ECONNRESET'));
      return;
    }
    this.#end();
    this.connection?.done();
    if (this.#source === undefined) this.#deliver();
    else this.#source.push(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, given: unknown): void {
    if (this.#over) return;
    const error = toError(given);
    if (this.#isWhole(error)) {
      this.onResponseEnd();
      return;
    }
    this.#judge(error);
    this.#lose(error);
  }

  #lose(error: Error): void {
    this.#streamIfHeld();
    this.#end();
    this.connection?.abort(error);
    this.#body?.destroy();
    if (this.#source !== undefined) this.#breakOff(aborted());
    else this.#settle(failure(error, this.#config, this.#response));
  }

  /** Streams a response of which only a part arrived together with its headers. */
  #streamIfHeld(): void {
    const [held, response, controller] = [this.#held, this.#response, this.#controller];
    if (held === undefined || response === undefined || controller === undefined) return;
    clearImmediate(held);
    this.#held = undefined;
    this.#stream(response, controller, []);
  }

  #stream(
    response: AxiosResponse,
    controller: Dispatcher.DispatchController,
    steps: readonly Transform[],
  ): void {
    const source = this.#open(controller);
    for (const chunk of this.#chunks.splice(0)) if (!source.push(chunk)) controller.pause();
    const out = steps.length > 0 ? withinLimit(through(source, steps), this.#config) : source;
    out.once('close', () => this.#unlisten());
    // An abort may come before the receiver can listen. The receiver then finds the stream destroyed.
    out.on('error', () => undefined);
    response.data = out;
    this.#out = out;
    this.#settled = true;
    this.#resolve(response);
  }

  /** Creates the first stream of a response whose bytes are not simply collected. */
  #open(controller: Dispatcher.DispatchController): Readable {
    this.#source = new Readable({
      highWaterMark: STREAM_BUFFER_BYTES,
      read: () => controller.resume(),
      destroy: (error, callback) => {
        this.fail(error ?? aborted());
        callback(error);
      },
    });
    return this.#source;
  }

  /** Ends a streamed response that the caller has or is about to get, after there was time to listen for errors. */
  #breakOff(error: Error): void {
    if (this.#source !== undefined) setImmediate(() => this.#out?.destroy(bareError(error)));
  }

  /** RFC 9110 section 8.6: a 304 may have the length of a body that is not sent. undici waits for that body. */
  #isWhole(error: Error): boolean {
    return (
      this.#response?.status === 304 &&
      this.#bytes === 0 &&
      'code' in error &&
      error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
    );
  }

  /** Reads a response that is decompressed or whose progress is reported. */
  #collect(stream: Readable): void {
    this.#out = stream;
    stream.on('data', (chunk: Buffer) => {
      if (this.#settled) return;
      if (this.#exceeds(chunk)) this.#refuse();
      else this.#chunks.push(chunk);
    });
    stream.on('error', (error) => this.#settle(bodyFailure(error, this.#config, this.#response)));
    stream.on('end', () => this.#deliver());
  }

  #exceeds(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    return this.#limit > -1 && this.#bytes > this.#limit;
  }

  /** Ends a response that is over `maxContentLength`. The reader of a stream gets the error. */
  #refuse(): void {
    this.#streamIfHeld();
    const error = tooLarge(this.#limit, this.#config);
    if (this.#source !== this.#out) {
      this.#settle(error);
      this.#out?.destroy(error);
    }
    this.fail(error);
  }

  #deliver(): void {
    if (this.#settled || this.#response === undefined) return;
    clearImmediate(this.#held);
    this.#held = undefined;
    try {
      this.#response.data = decoded(this.#chunks, this.#config);
    } catch (error) {
      this.#settle(AxiosError.from(toError(error), undefined, this.#config, undefined, this.#response));
      return;
    }
    this.#settled = true;
    this.#unlisten();
    this.#resolve(this.#response);
  }

  #judge(error: Error): void {
    // If the Dispatcher may have sent the request several times, an error describes only the last connection.
    if (this.#sent !== 'perhaps' || this.#dispatcher?.tellsStart !== true) return;
    if (provesNoConnection(error)) this.#sent = 'no';
  }

  #settle(error: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#unlisten();
    if (this.#sent === 'no') this.#observer.neverSent();
    this.#reject(bareError(error));
  }

  #end(): void {
    this.#over = true;
    if (this.#out === undefined) this.#unlisten();
  }

  #unlisten(): void {
    this.#config.signal?.removeEventListener?.('abort', this);
  }
}

function sentTwice(): Error {
  return coded(
    'The Dispatcher given as transport tried to send the request a second time, and was stopped',
    AxiosError.ERR_NETWORK,
  );
}
