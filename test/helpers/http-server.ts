import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach } from 'vitest';
import { freePort } from './free-port.js';

/** One request as it came over the wire, complete. */
export interface Received {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body, read as a form. */
  readonly form: Readonly<Record<string, string>>;
  /** When it was complete, on the monotonic clock. */
  readonly at: number;
}

/** What the server says. An object as body is sent as JSON. */
export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer | object;
}

/**
 * A reply, or what goes wrong instead: `drop` cuts the connection without a word, `truncate` announces a whole body
 * and cuts it in the middle, `hang` never answers, `stall` answers with headers and never ends the body.
 */
export type Answer = Reply | 'drop' | 'truncate' | 'hang' | 'stall';

export interface TestServer {
  readonly url: string;
  /** All requests so far, in order of arrival. */
  readonly requests: readonly Received[];
  /** The first request; throws when there was none. */
  readonly first: Received;
  /** Resolves when that many requests have arrived. */
  arrived(count: number): Promise<void>;
}

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/**
 * A server of the test's own on 127.0.0.1, closed when the test ends.
 *
 * @param answers - One for each request, of which the last one repeats; or a function of the request.
 */
export async function serve(
  answers: Answer | readonly [Answer, ...Answer[]] | ((request: Received) => Answer),
): Promise<TestServer> {
  const requests: Received[] = [];
  const sockets = new Set<Socket>();
  let waiting: { count: number; resolve: () => void }[] = [];

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const request: Received = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        body,
        form: Object.fromEntries(new URLSearchParams(body)),
        at: performance.now(),
      };
      requests.push(request);
      waiting = waiting.filter(({ count, resolve }) => {
        if (requests.length >= count) resolve();
        return requests.length < count;
      });
      send(pick(answers, request, requests.length - 1), response);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );

  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    requests,
    get first() {
      const [first] = requests;
      if (first === undefined) throw new Error('no request has arrived');
      return first;
    },
    arrived: (count) =>
      new Promise((resolve) => {
        if (requests.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
}

/** A base URL at which nobody listens. */
export async function refusingURL(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address.port;
}

function pick(answers: Parameters<typeof serve>[0], request: Received, index: number): Answer {
  if (typeof answers === 'function') return answers(request);
  if (!isList(answers)) return answers;
  return answers[index] ?? answers[answers.length - 1] ?? 'drop';
}

function isList(answers: unknown): answers is readonly Answer[] {
  return Array.isArray(answers);
}

function send(answer: Answer, response: ServerResponse): void {
  if (answer === 'hang') return;
  if (answer === 'drop') {
    response.destroy();
    return;
  }
  if (answer === 'truncate' || answer === 'stall') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"access_token":"abc', () => {
      if (answer === 'truncate') response.destroy();
    });
    return;
  }
  const { status = 200, headers = {}, body } = answer;
  const json = typeof body === 'object' && !Buffer.isBuffer(body);
  response.writeHead(status, { ...(json ? { 'content-type': 'application/json' } : {}), ...headers });
  response.end(json ? JSON.stringify(body) : body);
}
