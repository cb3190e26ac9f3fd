import { createServer, type Server } from 'node:http';
import express from 'express';
import { type MoovAuth, memoryTokenStore, moovAuth } from '../../src/index.js';
import { mulberry32, pick } from '../chaos/random.js';

const SCOPES = '/accounts/{accountID}/wallets.read';
const account = (index: number) => `b1d2c3a4-0000-4000-8000-00000000000${index}`;
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What one schedule has led to. */
export interface Outcome {
  /** What should not be. */
  faults: string[];
  operations: string[];
  tokenRequests: number;
}

/** A Moov of few words: it knows which tokens are valid, is slow at random, and sometimes does not revoke. */
class WitnessMoov {
  readonly alive = new Set<string>();
  readonly #server: Server;
  tokenRequests = 0;
  calls = 0;

  constructor(random: () => number) {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('error', () => undefined);
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        const form = new URLSearchParams(body);
        const send = (status: number, value: object = {}) => {
          setTimeout(() => {
            response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
          }, random() * 20);
        };
        if (request.url === '/oauth2/token') {
          const token = `tok-${++this.tokenRequests}`;
          if (random() < 0.05) return send(400, { error: 'invalid_scope' });
          this.alive.add(token);
          const seconds = random() < 0.1 ? 0.2 : 600;
          setTimeout(() => this.alive.delete(token), seconds * 1_000).unref();
          return send(200, { access_token: token, expires_in: seconds });
        }
        if (request.url === '/oauth2/revoke') {
          if (random() < 0.1) return send(422, { token: 'not now' });
          this.alive.delete(form.get('token') ?? '');
          return send(204);
        }
        this.calls++;
        const isValid = this.alive.has(String(request.headers.authorization).slice(7));
        send(isValid && random() > 0.05 ? 200 : 401);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/**
 * Runs one schedule: operations of all kinds at random times on one or two `MoovAuth`s with a pool of two tokens, with
 * or without a shared store, and a revocation and a close at the end.
 */
export async function runSchedule(seed: number): Promise<Outcome> {
  const random = mulberry32(seed);
  const moovServer = new WitnessMoov(mulberry32(seed + 1));
  const baseURL = await moovServer.listen();
  const store = random() < 0.5 ? memoryTokenStore() : undefined;
  const members = Array.from({ length: store ? 2 : 1 }, () => {
    const options = { clientId: 'id', clientSecret: 'secret', baseURL, origin: 'https://app.example.com' };
    const limits = { timeoutMs: 15_000, tokenTimeoutMs: 12_000, maxTokens: 2 };
    const startsUp = random() < 0.5;
    return moovAuth(startsUp ? '/ping.read' : SCOPES, { ...options, ...limits, ...(store ? { store } : {}) });
  });
  /** Tokens that browsers were sent, which are theirs. */
  const delivered = new Set<string>();
  const apps = await Promise.all(members.map((moov) => serveBrowserTokens(moov, delivered)));
  const faults: string[] = [];
  const operations: string[] = [];
  const promises: Promise<unknown>[] = [];
  const closed = new Set<MoovAuth>();

  const count = 10 + Math.floor(random() * 20);
  for (let step = 0; step < count; step++) {
    const member = Math.floor(random() * members.length);
    const moov = members[member];
    const app = apps[member];
    if (moov === undefined || app === undefined) continue;
    const target = { scopes: SCOPES, accountID: account(Math.floor(random() * 5)) };
    const controller = new AbortController();
    const { signal } = controller;
    if (random() < 0.3) setTimeout(() => controller.abort(), random() * 30);
    const [name, run] = pick<[string, () => Promise<unknown>]>(random, [
      [['call', () => moov.clientFor(target).get('/x', { signal })], 8],
      [['accessToken', () => moov.accessToken(target)], 3],
      [['renew', () => moov.renew(target)], 2],
      [['ready', () => moov.ready()], 1],
      [['revoke', () => moov.revoke()], 2],
      [['browser token', () => fetch(`${app.url}/token`, { method: 'POST', signal })], 2],
      [['tokens end', async () => moovServer.alive.clear()], 1],
      [['close', () => closeOne(moov)], 0.3],
    ]);
    operations.push(`${member} ${name} ${target.accountID.slice(-1)}`);
    promises.push(run().catch((error: unknown) => error));
    if (random() < 0.6) await wait(random() * 15);
  }

  async function closeOne(moov: MoovAuth): Promise<void> {
    await moov.close({ revoke: true });
    closed.add(moov);
    await moov.client.get('/x').then(
      () => faults.push('a call was answered after close()'),
      () => undefined,
    );
  }

  await Promise.all(members.map((moov) => moov.revoke().catch(() => undefined)));
  await Promise.all(members.map(closeOne));
  const calls = moovServer.calls;
  const settled = await Promise.race([
    Promise.all(promises).then(() => true),
    wait(20_000).then(() => false),
  ]);
  if (!settled) faults.push('a promise has not settled');
  // Tokens of 200 ms that have ended here may be valid at Moov a moment longer.
  await wait(300);
  if (moovServer.calls > calls) faults.push(`${moovServer.calls - calls} calls began after close()`);
  const pending = members.reduce((sum, moov) => sum + moov.status().pendingRevocations, 0);
  const alive = [...moovServer.alive].filter((token) => !delivered.has(token));
  if (alive.length > pending) faults.push(`valid at Moov: ${alive}; pending revocations: ${pending}`);
  if (moovServer.tokenRequests > 2 * count) faults.push(`${moovServer.tokenRequests} token requests`);
  for (const { close } of apps) close();
  moovServer.close();
  return { faults, operations, tokenRequests: moovServer.tokenRequests };
}

async function serveBrowserTokens(
  moov: MoovAuth,
  delivered: Set<string>,
): Promise<{ url: string; close: () => void }> {
  const app = express();
  app.use((_req, res, next) => {
    const send = res.json.bind(res);
    res.json = (body: unknown) => {
      if (typeof body === 'object' && body !== null && 'token' in body) delivered.add(String(body.token));
      return send(body);
    };
    next();
  });
  app.use(moov.browserTokenRouter({ guard: (_req, _res, next) => next(), scopes: '/ping.read' }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address.port;
}
