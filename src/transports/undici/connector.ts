import { connect as connectTCP, isIP, type Socket } from 'node:net';
import { connect as connectTLS } from 'node:tls';
import type { buildConnector } from 'undici';
import { shieldedFromPrototype } from '../prototype-pollution.js';

const KEEP_ALIVE_PROBE_MS = 60_000;

/**
 * Opens a socket to the one origin that it was created for, without a time limit.
 *
 * @param callback - undici's callback, called with the socket or the error.
 * @param lost - Called with the error of an established socket, before undici gets it.
 */
export type Connector = (callback: buildConnector.Callback, lost: (error: Error) => void) => Socket;

/** Not undici's own connector, whose options can be changed through `Object.prototype`. */
export function connectorTo(origin: string): Connector {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === 'https:';
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  const target = { host, port: Number(port || (secure ? 443 : 80)) };
  const tls = { ...target, servername: isIP(host) ? '' : host, ALPNProtocols: ['http/1.1'] };
  let session: Buffer | undefined;

  return (callback, lost) => {
    const socket = secure
      ? connectTLS(shieldedFromPrototype(session === undefined ? tls : { ...tls, session }))
      : connectTCP(shieldedFromPrototype(target));
    if (secure) {
      socket.on('session', (given: Buffer) => {
        session = given;
      });
    }
    let pending = true;
    return socket
      .setNoDelay(true)
      .setKeepAlive(true, KEEP_ALIVE_PROBE_MS)
      .once(secure ? 'secureConnect' : 'connect', () => {
        pending = false;
        callback(null, socket);
      })
      .on('error', (error) => {
        if (!pending) return lost(error);
        pending = false;
        callback(error, null);
      });
  };
}
