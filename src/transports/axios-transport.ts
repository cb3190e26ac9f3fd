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
          // Axios parses the path and may change it. An http proxy gets the whole URL.
          const exact = { ...options, path: options.path?.startsWith('/') ? path : origin + path };
          const begun = begin(shieldedFromPrototype(exact), onResponse);
          // A body without a length is a stream from the caller, which is counted while it is read.
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
              // The caller reads a stream.
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
  // After a failed handshake or a refused connection, nothing of the request was sent.
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

/** `node:http` treats a reset as the end of a response that has no length and is not chunked. */
function endWithErrorOf(request: http.ClientRequest, response: http.IncomingMessage): void {
  request.once('error', (given: unknown) => {
    const error = bareError(toError(given));
    if ('code' in error && error.code === 'ECONNRESET' && !response.complete) response.destroy(error);
  });
}
