import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import axios from 'axios';
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
  const open = new Set<http.ClientRequest>();

  return {
    async send(request, neverSent) {
      let connected = false;
      let path = '';
      const native = {
        request(options: https.RequestOptions, onResponse: OnResponse): http.ClientRequest {
          assertDestination(options, origin, request);
          const { request: begin } = options.protocol === 'https:' ? https : http;
          // Axios has parsed the path, which may change it. A proxy for http gets the whole URL.
          const exact = { ...options, path: options.path?.startsWith('/') ? path : origin + path };
          const begun = begin(shieldedFromPrototype(exact), onResponse);
          open.add(begun);
          return begun
            .once('socket', (socket) =>
              whenConnected(socket, () => {
                connected = true;
              }),
            )
            .once('response', (response) => endWithErrorOf(begun, response))
            .once('close', () => open.delete(begun));
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
        if (!connected) neverSent();
        throw bareError(toError(error));
      }
    },
    release: () => undefined,
    destroy() {
      for (const request of open) request.destroy(new Error('The connection was closed'));
    },
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

/** `node:http` takes a reset for the end of a response that has no length and is not chunked. */
function endWithErrorOf(request: http.ClientRequest, response: http.IncomingMessage): void {
  request.once('error', (error) => {
    bareError(error);
    if ('code' in error && error.code === 'ECONNRESET' && !response.complete) response.destroy(error);
  });
}
