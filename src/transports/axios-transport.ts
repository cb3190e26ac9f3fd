import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import axios, { AxiosHeaders, type AxiosResponse } from 'axios';
import { toError } from '../utils/errors.js';
import { bareError } from './bare-error.js';
import { assertDestination, pathTo } from './destination.js';
import { assertExactHeaders } from './exact-headers.js';
import { shieldedFromPrototype } from './prototype-pollution.js';
import type { Connected, WireRequest } from './transport.js';

const adapter = axios.getAdapter('http');

type OnResponse = (response: http.IncomingMessage) => void;

/** Axios's own adapter over `node:http` and `node:https`, whose agents own the connections. */
export function axiosTransport(origin: string): Connected {
  return {
    async send(request, observer) {
      let connected = false;
      let path = '';
      const native = {
        request(options: https.RequestOptions, onResponse: OnResponse): http.ClientRequest {
          assertDestination(options, origin, request);
          const { request: begin } = options.protocol === 'https:' ? https : http;
          // Axios has parsed the path, which may change it. A proxy for http gets the whole URL.
          const exact = { ...options, path: options.path?.startsWith('/') ? path : origin + path };
          const begun = begin(shieldedFromPrototype(exact), onResponse);
          // A body without a length is a stream of the caller's, which is counted on its way here.
          observer.sent(Number(begun.getHeader('Content-Length')) || 0);
          return begun
            .once('socket', (socket) =>
              whenConnected(socket, () => {
                connected = true;
              }),
            )
            .once('response', (response) => {
              endWithErrorOf(begun, response);
              observer.head(response.statusCode ?? 0, () => headOf(response, request));
              // A stream is left to its reader.
              if (request.responseType !== 'stream') response.on('data', () => observer.received());
            });
        },
      };
      try {
        assertExactHeaders(request.headers);
        path = pathTo(origin, request);
        const config: WireRequest = { ...request, url: origin + path, transport: native };
        delete config.baseURL;
        Object.setPrototypeOf(config, null);
        return await adapter(config);
      } catch (error) {
        if (!connected) observer.neverSent();
        throw bareError(toError(error));
      }
    },
    release: () => undefined,
  };
}

function whenConnected(socket: Socket, connected: () => void): void {
  // A failed handshake, like a refused connection, has carried nothing of the request.
  if ('secureConnecting' in socket && socket.secureConnecting === true) {
    socket.once('secureConnect', connected);
  } else if (socket.connecting) {
    socket.once('connect', connected);
  } else {
    connected();
  }
}

function headOf(head: http.IncomingMessage, config: WireRequest): AxiosResponse {
  const headers = new AxiosHeaders();
  for (const [name, value] of Object.entries(head.headers)) headers.set(name, value);
  const { statusCode: status = 0, statusMessage: statusText = '' } = head;
  return { status, statusText, headers, config, data: undefined };
}

/** `node:http` takes a reset for the end of a response that has no length and is not chunked. */
function endWithErrorOf(request: http.ClientRequest, response: http.IncomingMessage): void {
  request.once('error', (error) => {
    bareError(error);
    if ('code' in error && error.code === 'ECONNRESET' && !response.complete) response.destroy(error);
  });
}
