import type { Socket } from 'node:net';

/** The beginning of a request or a reply, with what is needed to tell where it ends. */
export interface Head {
  readonly startLine: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Bytes of the head, the empty line included. */
  readonly headBytes: number;
  /** Bytes of head and body. */
  readonly totalBytes: number;
}

const EMPTY_LINE = '\r\n\r\n';

/**
 * Reads as much of HTTP/1.1 as both sides here use: bodies with a `Content-Length`, or none.
 *
 * @returns the head, or `undefined` while it is not complete.
 * @throws for a framing that a proxy this simple would get wrong.
 */
export function readHead(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf(EMPTY_LINE);
  if (end === -1) return undefined;
  const [startLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  if (headers.has('transfer-encoding')) throw new Error(`the proxy can't frame: ${startLine}`);
  const headBytes = end + EMPTY_LINE.length;
  return {
    startLine,
    headers,
    headBytes,
    totalBytes: headBytes + Number(headers.get('content-length') ?? 0),
  };
}

export function statusOf({ startLine }: Head): number {
  return Number(startLine.split(' ')[1]);
}

/** What has come in on a socket and was not taken yet. */
export class Inbox {
  #bytes: Buffer = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    const closed = () => {
      this.#closed = true;
      this.#wake();
    };
    socket.on('end', closed).on('close', closed);
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
  }

  /** Waits until `look` finds something in the bytes; `undefined` when the other side has gone before. */
  async until<T>(look: (bytes: Buffer) => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = look(this.#bytes);
      if (found !== undefined || this.#closed) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Takes that many bytes, which it waits for; `undefined` when the other side has gone before. */
  async take(count: number): Promise<Buffer | undefined> {
    const taken = await this.until((bytes) => (bytes.length >= count ? bytes.subarray(0, count) : undefined));
    if (taken !== undefined) this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  /** All that is there now. */
  get rest(): Buffer {
    return this.#bytes;
  }
}

/** Resolves when the socket is closed, whoever closed it. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** @returns whether the system took the bytes. */
export function written(socket: Socket, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket.destroyed || !socket.writable) return resolve(false);
    const gone = () => resolve(false);
    socket.once('close', gone);
    socket.write(bytes, (error) => {
      socket.off('close', gone);
      resolve(!error);
    });
  });
}

/**
 * Resets a connection. One that is being closed in order is only destroyed: Node 20 never closes the handle of such a
 * socket when it is to be reset, and spins when the process ends.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
