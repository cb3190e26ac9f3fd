import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import axios, { type AxiosRequestConfig, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import { createTransport } from '../../src/transports/create-transport.js';
import { unobserved, type WireRequest, wireRequest, wireSettings } from '../../src/transports/transport.js';

export const columns = ['axios', 'undici'] as const;

/** What the server does with one request, whose body has been read. */
export type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;

/** What a caller sees of a call, and what the server saw of it. */
export interface Outcome {
  status?: number | undefined;
  statusText?: string | undefined;
  data?: unknown;
  headers?: Record<string, unknown>;
  code?: string | undefined;
  message?: string;
  name?: string;
  /** Whether the transport left it open that the request was given to a connection. */
  maybeSent: boolean;
  sent?: { method: string; path: string; headers: Record<string, unknown>; body: string };
}

/** A server of raw behaviour. */
export async function rawServer(behave: Behaviour): Promise<{
  url: string;
  server: Server;
  sent(): Outcome['sent'];
  close(): Promise<void>;
}> {
  let sent: Outcome['sent'];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { host, connection, ...headers } = request.headers;
      const body = Buffer.concat(chunks).toString('latin1');
      sent = { method: request.method ?? '', path: request.url ?? '', headers, body };
      behave(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: urlOf(server),
    server,
    sent: () => sent,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function urlOf(server: { address(): AddressInfo | string | null }, scheme = 'http'): string {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen');
  return `${scheme}://127.0.0.1:${address.port}`;
}

/** As in Axios's own adapter: joined and parsed, and then the query of `params` is appended. */
function targetOf({ params, ...config }: InternalAxiosRequestConfig): { origin: string; path: string } {
  const { origin, pathname, search } = new URL(axios.getUri(config));
  const { baseURL: _, ...others } = config;
  return { origin, path: axios.getUri({ ...others, url: pathname + search, params }) };
}

/** What a transport gets of a call of Axios's core. */
export function asWireRequest(config: InternalAxiosRequestConfig): WireRequest {
  const { method = 'get', headers, data, signal } = config;
  return wireRequest(wireSettings(config), { method, ...targetOf(config), headers, data, signal });
}

/** One call on one transport, as Axios's core makes it. */
export async function call(
  transport: Parameters<typeof createTransport>[0]['transport'],
  baseURL: string,
  config: AxiosRequestConfig,
): Promise<Outcome> {
  const connected = createTransport({ transport, baseURL });
  let maybeSent = false;
  const neverSent = () => {
    maybeSent = false;
  };
  const instance = axios.create({
    baseURL,
    maxRedirects: 0,
    validateStatus: null,
    adapter: async (given) => {
      const request = asWireRequest(given);
      maybeSent = true;
      return connected.send(request, { ...unobserved, neverSent });
    },
  });
  try {
    const { status, statusText, data, headers } = await instance.request(config);
    return {
      ...{ status, statusText },
      data: await bytesOf(data),
      headers: withoutDate({ ...headers }),
      maybeSent,
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = 'code' in error ? String(error.code) : undefined;
    const status = isAxiosError(error) ? error.response?.status : undefined;
    return { code, message: error.message, name: error.name, status, maybeSent };
  } finally {
    connected.release();
  }
}

async function bytesOf(data: unknown): Promise<unknown> {
  if (typeof data !== 'object' || data === null || !('pipe' in data)) return data;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of data as Readable) chunks.push(chunk);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = 'code' in error ? String(error.code) : undefined;
    return { text: Buffer.concat(chunks).toString(), code, message: error.message };
  }
  return { text: Buffer.concat(chunks).toString() };
}

function withoutDate({ date, ...headers }: Record<string, unknown>): Record<string, unknown> {
  return headers;
}
