import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { AxiosHeaders } from 'axios';
import { describe, expect, it, onTestFinished } from 'vitest';
import { axiosTransport } from '../../src/transports/axios-transport.js';
import { unobserved, wireRequest } from '../../src/transports/transport.js';

async function listening(onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Sends a request of which no response comes. @returns whether a byte of it may have been given to a connection. */
async function maybeSent(origin: string): Promise<boolean> {
  let maybe = true;
  const headers = new AxiosHeaders();
  const image = { method: 'post', origin, path: '/', data: 'x', headers, signal: undefined };
  const neverSent = () => {
    maybe = false;
  };
  const sent = axiosTransport(origin).send(wireRequest([], image), { ...unobserved, neverSent });
  await expect(sent).rejects.toThrow();
  return maybe;
}

describe('when a request counts as sent', () => {
  it('not when the connection is refused', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const address = closed.address();
    const port = typeof address === 'object' ? address?.port : 0;
    closed.close();
    await once(closed, 'close');
    expect(await maybeSent(`http://127.0.0.1:${port}`)).toBe(false);
  });

  it('not when the TLS handshake fails: the connection stood, but carried nothing of the request', async () => {
    const received: Buffer[] = [];
    const port = await listening((socket) => {
      socket.once('data', (data) => {
        received.push(data);
        socket.end('this is no TLS');
      });
    });
    expect(await maybeSent(`https://127.0.0.1:${port}`)).toBe(false);
    // 22: a TLS handshake record (RFC 8446 section 5.1).
    expect(received[0]?.[0]).toBe(22);
  });

  it('when the connection stood, also if it is reset at once', async () => {
    const port = await listening((socket) => socket.once('data', () => socket.destroy()));
    expect(await maybeSent(`http://127.0.0.1:${port}`)).toBe(true);
  });
});
