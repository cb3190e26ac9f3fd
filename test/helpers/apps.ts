import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express, RequestHandler } from 'express';
import express5 from 'express';
import express4 from 'express4';
import { onTestFinished } from 'vitest';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { rows } from './full.js';

/**
 * Both versions the package is for; a test runs on each in a full run, as
 * `describe.each(expressVersions)('... on $name', ...)`.
 */
export const expressVersions = rows([
  { name: 'Express 5', express: express5 },
  // The types of 4 differ in places that no test touches, and one type keeps the tests readable.
  { name: 'Express 4', express: express4 as unknown as typeof express5 },
]);

/** An app with middleware in the order given; a pair is a path and what is mounted there. */
export function appOf(
  express: typeof express5,
  ...layers: readonly (RequestHandler | readonly [path: string, handler: RequestHandler])[]
): Express {
  const app = express();
  for (const layer of layers) {
    if (typeof layer === 'function') app.use(layer);
    else app.use(layer[0], layer[1]);
  }
  return app;
}

/** A guard that lets everybody pass, for tests of what comes behind it. */
export const allow: RequestHandler = (_req, _res, next) => next();

/** The port of an app that listens until the end of the test, for requests that supertest does not make. */
export async function listen(app: RequestListener): Promise<number> {
  const server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Whether Moov takes an access token: 200, or 401 when it is expired or revoked. */
export async function pingWith(sandbox: MoovSandbox, accessToken: string): Promise<number> {
  const { status } = await fetch(`${sandbox.url}/ping`, {
    headers: { authorization: `Bearer ${accessToken}`, origin: sandbox.origins[0] ?? '' },
  });
  return status;
}
