import { Readable } from 'node:stream';
import axios, { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { Dispatcher } from 'undici';
import { toError } from '../../utils/errors.js';
import { bareError } from '../bare-error.js';
import type { TransportObserver } from '../transport.js';
import { aborted, bodyFailure, coded, failure } from './failures.js';
import { responseHeaders } from './headers.js';
import { type BodyReceiver, IncomingBody } from './incoming-body.js';
import { provesNoConnection } from './no-connection.js';
import type { RequestBody } from './request-body.js';

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
  reportsStart: boolean;
}

/** One request and its response, as undici reports them. */
export class UndiciResponseHandler implements Dispatcher.DispatchHandler, BodyReceiver {
  readonly #config: InternalAxiosRequestConfig;
  readonly #observer: TransportObserver;
  readonly #resolve: (response: AxiosResponse) => void;
  readonly #reject: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  /** The connection of the request, unless the application's Dispatcher has it. */
  connection: RequestConnection | undefined;
  #dispatcher: DispatcherKnowledge | undefined;
  #body: Readable | undefined;
  #response: AxiosResponse | undefined;
  #incoming: IncomingBody | undefined;
  #bodyBytes = 0;
  /** Whether a byte of the request may have been given to a connection, as far as undici has reported. */
  #sent: 'no' | 'perhaps' | 'yes' = 'no';
  #isSettled = false;
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
    config.signal?.addEventListener?.('abort', this);
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Whether nothing more is expected from the connection. */
  get over(): boolean {
    return this.#over;
  }

  /** Handles the signal's event. It also ends a streamed response that was not read completely. */
  handleEvent(): void {
    const error = new axios.CanceledError(undefined, this.#config);
    this.fail(error);
    this.#incoming?.destroy(error);
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
    body.once('error', (error: unknown) => this.fail(bodyFailure(error, this.#config)));
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
    this.#incoming?.streamIfHeld();
    this.#end();
    this.#incoming?.breakOff(error);
    this.settle(error);
    this.#controller?.abort(error);
    this.connection?.abort(error);
    this.#body?.destroy();
  }

  /** The caller gets the response. Its body, if that is a stream, may still be on its way. */
  respond(response: AxiosResponse): void {
    this.#isSettled = true;
    this.#resolve(response);
  }

  /** The caller gets an error, unless it has a result. */
  settle(error: Error): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.bodyEnded();
    if (this.#sent === 'no') this.#observer.neverSent();
    this.#reject(bareError(error));
  }

  /** An abort changes nothing any more. */
  bodyEnded(): void {
    this.#config.signal?.removeEventListener?.('abort', this);
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
    if (this.#dispatcher !== undefined) this.#dispatcher.reportsStart = true;
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
    this.#incoming = new IncomingBody(response, controller, this, this.#observer.takesBytes === true);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#observer.received();
    this.#incoming?.add(chunk);
  }

  onResponseEnd(): void {
    if (this.#over) return;
    if (this.#response === undefined) {
      this.reject(coded('socket hang up', 'ECONNRESET'));
      return;
    }
    this.#end();
    this.connection?.done();
    this.#incoming?.end();
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
    this.#incoming?.streamIfHeld();
    this.#end();
    this.connection?.abort(error);
    this.#body?.destroy();
    if (this.#incoming?.isStreamed) this.#incoming.breakOff(aborted());
    else this.settle(failure(error, this.#config, this.#response));
  }

  /** RFC 9110 section 8.6: a 304 may have the length of a body that is not sent. undici waits for that body. */
  #isWhole(error: Error): boolean {
    return (
      this.#response?.status === 304 &&
      this.#incoming?.isEmpty === true &&
      'code' in error &&
      error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
    );
  }

  #judge(error: Error): void {
    // If the Dispatcher may have sent the request several times, an error describes only the last connection.
    if (this.#sent !== 'perhaps' || this.#dispatcher?.reportsStart !== true) return;
    if (provesNoConnection(error)) this.#sent = 'no';
  }

  #end(): void {
    this.#over = true;
    if (this.#incoming?.isStreamed !== true) this.bodyEnded();
  }
}

function sentTwice(): Error {
  return coded(
    'The Dispatcher given as transport tried to send the request a second time, and was stopped',
    AxiosError.ERR_NETWORK,
  );
}
