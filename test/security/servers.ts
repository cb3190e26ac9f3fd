import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Secret } from './secrets.js';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A Moov of the test's own, which answers what it is told and knows every secret it gave away. */
export interface FakeMoov {
  readonly url: string;
  /** Every token it has issued. */
  readonly issued: readonly Secret[];
  /** What arrived, in order: method and path as sent. */
  readonly arrivals: readonly { method: string; path: string; headers: IncomingMessage['headers'] }[];
  /** Bytes of replies that the network took over from it. */
  readonly sentBytes: number;
  /** Answers everything other than the OAuth endpoints. */
  api: Handler;
  /** Answers `/oauth2/token`; at first with a token. */
  token: Handler;
  revoke: Handler;
  /** Resolves when that many requests other than OAuth's have arrived whole or in part. */
  arrived(count: number): Promise<void>;
  /** Makes a token reply, whose secrets are known from then on. */
  issue(extra?: object): object;
  close(): Promise<void>;
}

/** Random, and with characters that look different once they are encoded. */
export function newSecret(): string {
  return `${randomBytes(15).toString('base64url')}/+&=%:?(~!${randomBytes(15).toString('base64url')}`;
}

export async function startFakeMoov(): Promise<FakeMoov> {
  const issued: Secret[] = [];
  const arrivals: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];
  const sockets = new Set<Socket>();
  let sentBefore = 0;
  let waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (path === '/oauth2/token') return fake.token(request, response);
    if (path === '/oauth2/revoke') return fake.revoke(request, response);
    arrivals.push({ method: request.method ?? '', path, headers: request.headers });
    fake.api(request, response);
    waiting = waiting.filter(({ count, resolve }) => {
      if (arrivals.length >= count) resolve();
      return arrivals.length < count;
    });
  });
  server.keepAliveTimeout = 60_000;
  const [url, close] = await listening(server, sockets, (socket) => {
    sentBefore += socket.bytesWritten;
  });

  const fake: FakeMoov = {
    url,
    issued,
    arrivals,
    get sentBytes() {
      return [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, sentBefore);
    },
    api: (_request, response) => json(response, 200, { ok: true }),
    token: (_request, response) => json(response, 200, fake.issue()),
    revoke: (_request, response) => {
      response.writeHead(204).end();
    },
    arrived: (count) =>
      new Promise((resolve) => {
        if (arrivals.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    issue: (extra) => {
      const access_token = `${randomBytes(18).toString('base64url')}+/${randomBytes(18).toString('base64url')}`;
      const refresh_token = randomBytes(36).toString('base64url');
      issued.push({ name: `access token ${issued.length / 2 + 1}`, value: access_token });
      issued.push({ name: `refresh token ${issued.length / 2 + 0.5}`, value: refresh_token });
      return {
        access_token,
        refresh_token,
        token_type: 'Bearer',
        expires_in: 3600,
        scope: '/ping.read',
        ...extra,
      };
    },
    close,
  };
  return fake;
}

/** A place that is not Moov. It takes whatever comes, and remembers every byte. */
export interface Elsewhere {
  readonly url: string;
  readonly port: number;
  /** How often somebody connected. */
  readonly connections: number;
  /** Everything that arrived. */
  readonly bytes: string;
}

export async function startElsewhere(
  answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
): Promise<Elsewhere> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let bytes = '';
  const server = net.createServer((socket) => {
    connections++;
    socket.on('data', (data) => {
      bytes += data.toString('latin1');
      socket.write(answer);
    });
    socket.on('error', () => undefined);
  });
  const [url] = await listening(server, sockets);
  return {
    url,
    port: Number(new URL(url).port),
    get connections() {
      return connections;
    },
    get bytes() {
      return bytes;
    },
  };
}

async function listening(
  server: net.Server,
  sockets: Set<Socket>,
  closed: (socket: Socket) => void = () => undefined,
): Promise<[url: string, close: () => Promise<void>]> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      closed(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
    return closing;
  };
  onTestFinished(close);
  return [`http://127.0.0.1:${port}`, close];
}

export function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
) {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r-1', ...headers });
  response.end(JSON.stringify(body));
}

/** Calls back when the request has arrived whole. */
export function whole(request: IncomingMessage, then: (body: string) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => then(Buffer.concat(chunks).toString()));
}
