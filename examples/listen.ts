import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';

export interface Listening {
  readonly url: string;
  /** Lets the requests in progress finish, for 5 s at most. */
  close(): Promise<void>;
}

/** Serves an application on 127.0.0.1; port 0 is any free one. Rejects when the port is taken. */
export async function listen(app: Express, port = 0): Promise<Listening> {
  const server = createServer(app).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      setTimeout(() => server.closeAllConnections(), 5_000).unref();
      await closed;
    },
  };
}
