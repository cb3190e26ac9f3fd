import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Exchange } from '../exchange.js';
import type { FaultRule, Faults } from '../faults.js';
import type { Recorder } from '../recorder.js';
import { type ApiResponse, type Call, readCall, splitTarget } from './call.js';
import type { Cors } from './cors.js';
import { type Reply, replyOf } from './reply.js';

/** A client that keeps a connection must not meet with its end by chance; `close` ends it anyway. */
const KEEP_ALIVE_MS = 60_000;

/** What a server is made of. */
interface Parts {
  readonly handle: (call: Call) => Promise<ApiResponse>;
  readonly recorder: Recorder;
  readonly faults: Faults;
  readonly cors: Cors;
  /** What comes before the API. */
  readonly page: {
    /** @returns whether the request was for the page. */
    answer(request: IncomingMessage, response: ServerResponse): boolean;
  };
}

/** Everything that has to do with sockets: listening, answering, and the faults. */
export class SandboxServer {
  readonly #handle: Parts['handle'];
  readonly #recorder: Recorder;
  readonly #faults: Faults;
  readonly #cors: Cors;
  readonly #page: Parts['page'];
  readonly #delays = new Map<NodeJS.Timeout, (finished: boolean) => void>();
  #server: Server | undefined;
  #url: string | undefined;
  #closing: Promise<void> | undefined;

  constructor({ handle, recorder, faults, cors, page }: Parts) {
    this.#handle = handle;
    this.#recorder = recorder;
    this.#faults = faults;
    this.#cors = cors;
    this.#page = page;
  }

  get url(): string {
    if (this.#url === undefined)
      throw new Error('The sandbox is not listening: await sandbox.listen() first.');
    return this.#url;
  }

  async listen(port: number): Promise<string> {
    if (this.#server !== undefined) throw new Error('The sandbox is listening already.');
    const server = createServer((request, response) => {
      // One connection is lost then, and not the process with all the others.
      this.#answer(request, response).catch(() => response.destroy());
    });
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#server = server;
    try {
      await new Promise<void>((resolve, reject) => {
        const closed = () => reject(new Error('The sandbox was closed before it listened.'));
        server.once('error', reject).once('close', closed).listen(port, '127.0.0.1', resolve);
      });
    } catch (error) {
      if (this.#server === server) this.#server = undefined;
      throw error;
    }
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The sandbox has no port.');
    this.#url = `http://127.0.0.1:${address.port}`;
    return this.#url;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return this.#closing;
    this.#server = undefined;
    this.#url = undefined;
    for (const [timer, end] of this.#delays) {
      clearTimeout(timer);
      end(false);
    }
    this.#delays.clear();
    this.#closing = new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return this.#closing;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#page.answer(request, response)) return;
    const { method = 'GET', url: path = '/', headers, socket } = request;
    const [pathname] = splitTarget(path);
    const exchange = this.#recorder.arrived({ method, path, headers });
    for (const [name, value] of Object.entries(this.#cors.headers(pathname, headers))) {
      response.setHeader(name, value);
    }
    // Before the faults, so that a rule for a path meets the call and is not used up by what the browser sends ahead.
    const preflight = this.#cors.preflight(method, pathname, headers);
    if (preflight !== undefined) {
      request.resume();
      send(response, replyOf(preflight), exchange, false);
      return;
    }
    const fault = this.#faults.take(method, pathname);
    if (fault !== undefined) this.#recorder.count('faults');

    let call: Call;
    try {
      call = await readCall(request);
    } catch {
      // There is no connection to respond on.
      exchange.dropped('the client went away before its request was complete');
      return;
    }
    exchange.received(call.body);
    if (fault?.delayMs !== undefined && !(await this.#delay(fault.delayMs))) return;
    if (fault?.drop === 'before') {
      socket.destroy();
      exchange.dropped('a fault has cut the connection before the request was acted on');
      return;
    }
    const reply = await this.#act(call, fault);
    if (fault?.drop === 'after') {
      socket.destroy();
      exchange.dropped('a fault has cut the connection after the request was acted on');
      return;
    }
    // A client that has gone away loses its response, but the request was acted on.
    if (socket.destroyed) {
      exchange.dropped('the client went away before the response');
      return;
    }
    send(response, reply, exchange, fault?.truncate === true);
  }

  async #act(call: Call, fault: FaultRule | undefined): Promise<Reply> {
    try {
      if (fault?.status !== undefined) return replyOf({ note: 'the response of a fault', ...fault });
      return replyOf(await this.#handle(call));
    } catch (error) {
      return replyOf({ status: 500, body: { error: `the sandbox failed: ${String(error)}` } });
    }
  }

  /** @returns whether the time passed; `false` when the sandbox was closed in the meantime. */
  #delay(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#delays.delete(timer);
        resolve(true);
      }, ms);
      this.#delays.set(timer, resolve);
    });
  }
}

function send(
  response: ServerResponse,
  { status, headers, text, bytes, note }: Reply,
  exchange: Exchange,
  truncate: boolean,
): void {
  if (truncate && bytes.length === 0) {
    response.destroy();
    exchange.dropped('a fault has cut the connection instead of the response');
    return;
  }
  response.statusCode = status;
  response.setHeader('x-request-id', randomUUID());
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  exchange.answered(
    status,
    response.getHeaders(),
    text,
    truncate ? 'a fault has cut the response in the middle' : note,
  );
  if (!truncate) {
    response.end(bytes.length > 0 ? bytes : undefined);
    return;
  }
  // Not before the first half has left: the caller is to see the head and an answer that breaks off.
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy());
}
