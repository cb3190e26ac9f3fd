import { PassThrough, Readable } from 'node:stream';
import { toError } from '../utils/errors.js';

export function isStream(value: unknown): value is Readable {
  return value instanceof Readable;
}

/**
 * A stream with the bytes of another that does not lead back to it: a response's own stream leads to the request
 * and its headers, and so do the errors it ends with.
 *
 * @param told - What to show of an error of the source.
 * @param ended - Called once, when the last byte was read or the stream was given up; told whether it came whole.
 */
export function shielded(
  source: Readable,
  told: (error: unknown) => unknown,
  ended: (whole: boolean) => void,
): Readable {
  const shield = new PassThrough();
  // A response that breaks off while nobody reads it, such as that of a failure, must not be an uncaught exception.
  shield.on('error', () => undefined);
  const fail = (error: unknown) => {
    shield.destroy(toError(told(error)));
  };
  let isOver = false;
  const end = () => {
    if (!isOver) ended(source.readableEnded);
    isOver = true;
  };
  source.on('error', fail);
  // What has come whole waits for its reader, and for nothing else.
  source.once('end', end);
  source.once('close', () => {
    if (!source.readableEnded) fail(new Error('The response ended before its last byte'));
  });
  if (source.destroyed) fail(source.errored ?? new Error('The response ended before its last byte'));
  shield.once('close', () => {
    source.destroy();
    end();
  });
  source.pipe(shield);
  return shield;
}

/** Ends a response that nobody will read, so that its socket is free. */
export function discard(data: unknown): void {
  if (isStream(data)) data.destroy();
}
