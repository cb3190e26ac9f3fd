import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import axios from 'axios';
import { toError } from '../utils/errors.js';
import { assertDestination, pathTo } from './destination.js';
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
      const native = {
        request(options: https.RequestOptions, onResponse: OnResponse): http.ClientRequest {
          assertDestination(options, origin, request);
          const { request: begin } = options.protocol === 'https:' ? https : http;
          const begun = begin(shieldedFromPrototype(options), onResponse);
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
        const config: WireRequest = { ...request, url: origin + pathTo(origin, request), transport: native };
        delete config.baseURL;
        Object.setPrototypeOf(config, null);
        return await adapter(config);
      } catch (error) {
        if (!connected) neverSent();
        throw withoutPacket(toError(error));
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
    if (!response.complete) response.destroy(error);
  });
}

/** The parser's errors carry what the server sent, which may repeat the request's secrets. */
function withoutPacket(error: Error): Error {
  for (let at: unknown = error; at instanceof Error; at = at.cause) Reflect.deleteProperty(at, 'rawPacket');
  return error;
}
