import type { Readable } from 'node:stream';

/** A stream of Node's as one of the web's. It reads at the pace of its reader, and giving it up frees the connection. */
export function webStream(source: Readable, shown: (error: unknown) => unknown): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          controller.error(shown(error));
        }
      },
      cancel() {
        source.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
