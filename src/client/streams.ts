import { Readable } from 'node:stream';
import type { MoovCallInfo } from '../errors.js';
import { STREAM_BUFFER_BYTES } from '../transports/transport.js';
import { toError } from '../utils/errors.js';
import { attachCallInfo, type RequestSummary } from './call-info.js';

export function isStream(value: unknown): value is Readable {
  return value instanceof Readable;
}

/** What a streamed response needs to know of its call. */
export interface StreamedCall {
  /** Called with each piece that arrives. */
  received(): void;
  /** What to show of an error of the source. */
  failure(error: unknown): unknown;
  /** Called once, when the last byte was read or the stream was given up; told whether it came whole. */
  ended(whole: boolean): void;
  /** What became of the call. */
  info(): MoovCallInfo;
  readonly request: RequestSummary;
}

/** The streamed responses of one `MoovAuth`, so that those that nobody reads end with it. */
export class UnreadStreams {
  readonly #streams = new Set<Readable>();

  /**
   * Copies a stream without keeping a reference from the copy to its source: a response's own stream leads to the request
   * and its headers, and so do its errors.
   */
  shield(source: Readable, call: StreamedCall): Readable {
    const shield = new Readable({ highWaterMark: STREAM_BUFFER_BYTES, read: () => source.resume() });
    // A response that breaks off while nobody reads it, such as that of a failure, must not be an uncaught exception.
    shield.on('error', () => undefined);
    const fail = (reason: unknown) => {
      const error = toError(call.failure(reason));
      attachCallInfo(error, call.info(), call.request);
      shield.destroy(error);
    };
    let isOver = false;
    const end = () => {
      if (!isOver) call.ended(source.readableEnded);
      isOver = true;
    };
    source.on('data', (chunk: Buffer) => {
      call.received();
      if (!shield.push(chunk)) source.pause();
    });
    source.on('error', fail);
    // What has come whole waits for its reader, and for nothing else.
    source.once('end', () => {
      end();
      shield.push(null);
    });
    source.once('close', () => {
      if (!source.readableEnded) fail(new Error('The response ended before its last byte'));
    });
    if (source.destroyed) fail(source.errored ?? new Error('The response ended before its last byte'));
    shield.once('close', () => {
      this.#streams.delete(shield);
      source.destroy();
      end();
    });
    this.#streams.add(shield);
    return shield;
  }

  /** Ends the streams of which nothing was read: they would hold their connections, and the process. */
  close(): void {
    for (const stream of this.#streams) if (!stream.readableDidRead) stream.destroy();
  }
}

/** Ends a response that nobody will read, so that its socket is free. */
export function discard(data: unknown): void {
  if (isStream(data)) data.destroy();
}
