import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import axios from 'axios';
import type { Transport } from './transport.js';

const send = axios.getAdapter('http');

/** Axios's own adapter over `node:http` and `node:https`. */
export const axiosTransport: Transport = (config, handed) => send({ ...config, transport: watching(handed) });

/** What Axios takes as `transport`, with a look at the socket that a request gets. */
function watching(handed: () => void) {
  return {
    request(
      options: https.RequestOptions,
      respond: (response: http.IncomingMessage) => void,
    ): http.ClientRequest {
      const { request } = options.protocol === 'https:' ? https : http;
      return request(options, respond).once('socket', (socket) => whenConnected(socket, handed));
    },
  };
}

function whenConnected(socket: Socket, handed: () => void): void {
  // A failed handshake, like a refused connection, has carried nothing of the request.
  if ('secureConnecting' in socket && socket.secureConnecting === true) {
    socket.once('secureConnect', handed);
  } else if (socket.connecting) {
    socket.once('connect', handed);
  } else {
    handed();
  }
}
