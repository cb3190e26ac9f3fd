import { Readable, type Transform } from 'node:stream';
import { AxiosError, type AxiosResponse } from 'axios';
import type { Dispatcher } from 'undici';
import { toError } from '../../utils/errors.js';
import { bareError } from '../bare-error.js';
import { STREAM_BUFFER_BYTES } from '../transport.js';
import { aborted, bodyFailure } from './failures.js';
import { decoded, responseSteps, through, tooLarge, withinLimit } from './response-body.js';

/** The exchange that a body is part of. */
export interface BodyReceiver {
  /** Whether there is a result, not counting the bytes of a stream. */
  readonly isSettled: boolean;
  /** The response is complete, or its body is a stream from here on. */
  respond(response: AxiosResponse): void;
  /** The body can't be read. */
  settle(error: Error): void;
  /** Ends the exchange with the server. */
  fail(error: Error): void;
  /** The caller gets nothing more of the body. */
  bodyEnded(): void;
}

/** The body of a response on its way from the connection to the caller: collected, or handed on as a stream. */
export class IncomingBody {
  readonly #response: AxiosResponse;
  readonly #controller: Dispatcher.DispatchController;
  readonly #receiver: BodyReceiver;
  /** In bytes; -1 for none. */
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** The first and the last stream, unless the bytes are simply collected. */
  #source: Readable | undefined;
  #out: Readable | undefined;
  /** Set while a response that may be given as a Buffer is held back: until the end of the turn in which its headers came. */
  #held: NodeJS.Immediate | undefined;

  /** @param mayBeBytes - Whether the receiver takes a Buffer for a stream of which all has arrived. */
  constructor(
    response: AxiosResponse,
    controller: Dispatcher.DispatchController,
    receiver: BodyReceiver,
    mayBeBytes: boolean,
  ) {
    this.#response = response;
    this.#controller = controller;
    this.#receiver = receiver;
    const { config } = response;
    this.#limit = config.maxContentLength ?? -1;
    const steps = responseSteps(response);
    if (config.responseType === 'stream') {
      // Most responses are small and arrive together with their headers.
      if (mayBeBytes && steps.length === 0) this.#held = setImmediate(() => this.streamIfHeld());
      else this.#stream(steps);
    } else if (steps.length > 0) {
      this.#collect(through(this.#open(), steps));
    }
  }

  /** Whether the bytes pass through a stream, which is not over before it is closed. */
  get isStreamed(): boolean {
    return this.#source !== undefined;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** Bytes have arrived. */
  add(chunk: Buffer): void {
    // The bytes of a stream with further steps are counted after the last one.
    if (this.#source === this.#out && this.#exceeds(chunk)) this.#refuse();
    else if (this.#source === undefined) this.#chunks.push(chunk);
    else if (!this.#source.push(chunk)) this.#controller.pause();
  }

  /** All bytes have arrived. */
  end(): void {
    if (this.#source === undefined) this.#deliver();
    else this.#source.push(null);
  }

  /** Streams a response of which only a part arrived together with its headers. */
  streamIfHeld(): void {
    if (this.#held === undefined) return;
    this.#release();
    this.#stream([]);
  }

  /** Ends a stream that the caller has or is about to get, after there was time to listen for errors. */
  breakOff(error: Error): void {
    if (this.#source !== undefined) setImmediate(() => this.#out?.destroy(bareError(error)));
  }

  /** Ends a stream at once, also one that the server has sent completely. */
  destroy(error: Error): void {
    this.#out?.destroy(error);
  }

  #release(): void {
    clearImmediate(this.#held);
    this.#held = undefined;
  }

  #stream(steps: readonly Transform[]): void {
    const source = this.#open();
    for (const chunk of this.#chunks.splice(0)) if (!source.push(chunk)) this.#controller.pause();
    const out = steps.length > 0 ? withinLimit(through(source, steps), this.#response.config) : source;
    out.once('close', () => this.#receiver.bodyEnded());
    // An abort may come before the receiver can listen. The receiver then finds the stream destroyed.
    out.on('error', () => undefined);
    this.#out = out;
    this.#response.data = out;
    this.#receiver.respond(this.#response);
  }

  #open(): Readable {
    this.#source = new Readable({
      highWaterMark: STREAM_BUFFER_BYTES,
      read: () => this.#controller.resume(),
      destroy: (error, callback) => {
        this.#receiver.fail(error ?? aborted());
        callback(error);
      },
    });
    return this.#source;
  }

  /** Reads a response that is decompressed or whose progress is reported. */
  #collect(stream: Readable): void {
    this.#out = stream;
    stream.on('data', (chunk: Buffer) => {
      if (this.#receiver.isSettled) return;
      if (this.#exceeds(chunk)) this.#refuse();
      else this.#chunks.push(chunk);
    });
    const { config } = this.#response;
    stream.on('error', (error: unknown) => this.#receiver.settle(bodyFailure(error, config, this.#response)));
    stream.on('end', () => this.#deliver());
  }

  #exceeds(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    return this.#limit > -1 && this.#bytes > this.#limit;
  }

  /** Ends a response that is over `maxContentLength`. The reader of a stream gets the error. */
  #refuse(): void {
    this.streamIfHeld();
    const error = tooLarge(this.#limit, this.#response.config);
    if (this.#source !== this.#out) {
      this.#receiver.settle(error);
      this.#out?.destroy(error);
    }
    this.#receiver.fail(error);
  }

  #deliver(): void {
    if (this.#receiver.isSettled) return;
    this.#release();
    const { config } = this.#response;
    try {
      this.#response.data = decoded(this.#chunks, config);
    } catch (error) {
      this.#receiver.settle(AxiosError.from(toError(error), undefined, config, undefined, this.#response));
      return;
    }
    this.#receiver.bodyEnded();
    this.#receiver.respond(this.#response);
  }
}
