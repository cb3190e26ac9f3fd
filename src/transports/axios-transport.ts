import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import axios from 'axios';
import { pathTo } from './destination.js';
import type { Transport, WireRequest } from './transport.js';

const adapter = axios.getAdapter('http');

/** Axios's own adapter over `node:http` and `node:https`. */
export function axiosTransport(origin: string): Transport {
  return async (request, neverSent) => {
    let connected = false;
    const watching = {
      request(
        options: https.RequestOptions,
        respond: (response: http.IncomingMessage) => void,
      ): http.ClientRequest {
        const { request: open } = options.protocol === 'https:' ? https : http;
        return open(options, respond).once('socket', (socket) =>
          whenConnected(socket, () => {
            connected = true;
          }),
        );
      },
    };
    try {
      const config: WireRequest = { ...request, url: origin + pathTo(origin, request), transport: watching };
      delete config.baseURL;
      Object.setPrototypeOf(config, null);
      return await adapter(config);
    } catch (error) {
      if (!connected) neverSent();
      throw error;
    }
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
