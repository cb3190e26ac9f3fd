import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express, RequestHandler } from 'express';
import express5 from 'express';
import express4 from 'express4';
import { afterEach } from 'vitest';
import { type MoovAuth, type MoovAuthOptions, type MoovScope, moovAuth } from '../../src/index.js';
import { createMoovSandbox, type MoovSandbox, type MoovSandboxOptions } from '../../src/sandbox/index.js';

/** Both versions the package is for; a test runs on each, as `describe.each(expressVersions)('... on $name', ...)`. */
export const expressVersions = [
  { name: 'Express 5', express: express5 },
  // The types of 4 differ in places that no test touches, and one type keeps the tests readable.
  { name: 'Express 4', express: express4 as unknown as typeof express5 },
];

const toClose = new Set<() => Promise<void>>();

/** Called when the test is over, whatever its outcome; what was opened last is closed first. */
export function closeAfterTest(close: () => Promise<void>): void {
  toClose.add(close);
}

afterEach(async () => {
  const closings = [...toClose].reverse();
  toClose.clear();
  for (const close of closings) await close();
});

export interface Setup {
  readonly sandbox: MoovSandbox;
  readonly moov: MoovAuth;
}

/** A sandbox and a `moovAuth` that talks to it, with scopes for `/ping` and `/accounts`, until the end of the test. */
export async function startMoov(
  options: MoovAuthOptions = {},
  sandboxOptions?: MoovSandboxOptions,
): Promise<Setup> {
  const sandbox = createMoovSandbox(sandboxOptions);
  await sandbox.listen();
  closeAfterTest(() => sandbox.close());
  return { sandbox, moov: moovFor(sandbox, options) };
}

export function moovFor(
  sandbox: MoovSandbox,
  options: MoovAuthOptions = {},
  scopes: readonly MoovScope[] = ['/ping.read', '/accounts.read', '/accounts.write'],
): MoovAuth {
  const moov = moovAuth(scopes, {
    ...sandbox.credentials,
    origin: sandbox.origins[0] ?? '',
    baseURL: sandbox.url,
    ...options,
  });
  closeAfterTest(() => moov.close());
  return moov;
}

/** A guard that lets everybody pass, for tests of what comes behind it. */
export const allow: RequestHandler = (_req, _res, next) => next();

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

/** Whether Moov takes an access token: 200, or 401 when it is expired or revoked. */
export async function pingWith(sandbox: MoovSandbox, accessToken: string): Promise<number> {
  const { status } = await fetch(`${sandbox.url}/ping`, {
    headers: { authorization: `Bearer ${accessToken}`, origin: sandbox.origins[0] ?? '' },
  });
  return status;
}

/** The port of an app that listens until the end of the test, for requests that supertest does not make. */
export async function listen(app: Express): Promise<number> {
  const server = createServer(app).listen(0, '127.0.0.1');
  closeAfterTest(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
