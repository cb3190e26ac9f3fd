// Counts what the package promises to keep low: token requests and failed calls, in storms and in outages.
// Run with `npm run figures`; takes about two minutes and stops by itself.
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type MoovAuth, moovAuth } from '../src/index.js';
import { createMoovSandbox, type MoovSandbox } from '../src/sandbox/index.js';

async function start(
  options: { timeoutMs?: number } = {},
): Promise<{ sandbox: MoovSandbox; moov: MoovAuth }> {
  const sandbox = createMoovSandbox();
  const baseURL = await sandbox.listen();
  const origin = sandbox.origins[0] ?? '';
  const moov = moovAuth(['/ping.read', '/accounts.read'], {
    ...sandbox.credentials,
    origin,
    baseURL,
    ...options,
  });
  return { sandbox, moov };
}

async function stop({ sandbox, moov }: { sandbox: MoovSandbox; moov: MoovAuth }): Promise<void> {
  await moov.close();
  await sandbox.close();
}

async function storm(moov: MoovAuth): Promise<number> {
  const calls = await Promise.allSettled(Array.from({ length: 1000 }, () => moov.client.get('/ping')));
  return calls.filter(({ status }) => status === 'rejected').length;
}

async function storms(): Promise<void> {
  const started = await start();
  const first = await storm(started.moov);
  const asked = started.sandbox.stats.tokenRequests;
  console.log(`1,000 concurrent first calls:             token requests ${asked}, calls failed ${first}`);
  started.sandbox.revokeTokens();
  const second = await storm(started.moov);
  const more = started.sandbox.stats.tokenRequests - asked;
  console.log(`1,000 concurrent calls after a revocation: token requests ${more}, calls failed ${second}`);
  await stop(started);
}

async function lateUnauthorized(): Promise<void> {
  const started = await start();
  const { sandbox, moov } = started;
  await moov.ready();
  sandbox.fail({ path: '/ping', delayMs: 500 });
  const late = moov.client.get('/ping');
  while (sandbox.stats.apiRequests === 0) await sleep(5);
  sandbox.revokeTokens();
  await moov.client.get('/accounts');
  const before = sandbox.stats.tokenRequests;
  await late;
  console.log(
    `a late 401:                               token requests for it ${sandbox.stats.tokenRequests - before}`,
  );
  await stop(started);
}

/** A route that always gets 401, ten times a second for 30 s, beside good ones; a revocation in the middle. */
async function badRoute(): Promise<void> {
  const started = await start();
  const { sandbox, moov } = started;
  await moov.ready();
  sandbox.fail({ path: '/accounts', status: 401, times: Number.POSITIVE_INFINITY });
  let revokedAt = 0;
  let failedGood = 0;
  let recoveredMs = 0;
  let [bad, good] = [0, 0];
  const every = (ms: number, call: () => void) => {
    const timer = setInterval(call, ms);
    return () => clearInterval(timer);
  };
  const stopBad = every(100, () => {
    bad++;
    moov.client.get('/accounts').catch(() => undefined);
  });
  const stopGood = every(50, () => {
    good++;
    moov.client.get('/ping').then(
      () => {
        if (revokedAt > 0 && recoveredMs === 0) recoveredMs = performance.now() - revokedAt;
      },
      () => failedGood++,
    );
  });
  await sleep(15_000);
  const beforeRevocation = sandbox.stats.tokenRequests;
  sandbox.revokeTokens();
  revokedAt = performance.now();
  await sleep(15_000);
  stopBad();
  stopGood();
  await sleep(200);
  console.log(
    `a route that always gets 401 (${bad} calls in 30 s) beside good ones (${good} calls), revocation after 15 s:\n` +
      `  token requests ${sandbox.stats.tokenRequests} (${beforeRevocation} before the revocation), good calls recovered after ${(recoveredMs / 1000).toFixed(1)} s, ${failedGood} of them failed`,
  );
  await stop(started);
}

const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): RequestListener =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
  };

/** What the token endpoint does in each outage. */
const outages: Record<string, RequestListener> = {
  'hangs up': (request) => request.socket.destroy(),
  'is slower than the time-out': () => undefined,
  'answers 429, Retry-After 5': answer(429, { 'retry-after': '5' }),
  'answers 500': answer(500),
  'answers with a page': answer(200, { 'content-type': 'text/html' }, '<h1>Hello</h1>'),
  'answers without access_token': answer(200, { 'content-type': 'application/json' }, '{}'),
  'refuses the credentials': answer(401),
};

/** A minute of 200 calls a second against a token endpoint that fails; then it is back. */
async function outage(what: string, fault: RequestListener): Promise<void> {
  let answers = fault;
  let requests = 0;
  const server = createServer((request, response) => {
    if (request.url !== '/oauth2/token') return void response.end('{}');
    requests++;
    answers(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const moov = moovAuth('/ping.read', {
    clientId: 'id',
    clientSecret: 'secret',
    baseURL: `http://127.0.0.1:${port}`,
  });
  let calls = 0;
  const codes = new Map<string, number>();
  const timer = setInterval(() => {
    calls++;
    moov.client.get('/ping').catch((error: { code?: string }) => {
      codes.set(error.code ?? '?', (codes.get(error.code ?? '?') ?? 0) + 1);
    });
  }, 5);
  await sleep(60_000);
  const inTheMinute = requests;
  answers = answer(
    200,
    { 'content-type': 'application/json' },
    JSON.stringify({ access_token: 'a', token_type: 'Bearer', expires_in: 900 }),
  );
  const back = performance.now();
  while (moov.status().state !== 'ready' && performance.now() - back < 30_000) await sleep(20);
  const resumed =
    moov.status().state === 'ready'
      ? `${((performance.now() - back) / 1000).toFixed(1)} s`
      : 'at the next probe (once a minute)';
  clearInterval(timer);
  await moov.close();
  server.closeAllConnections();
  server.close();
  const told = [...codes].map(([code, count]) => `${code} ${count}`).join(', ');
  console.log(
    `  ${what}: token requests ${inTheMinute} of ${calls} calls; callers got ${told}; resumed after ${resumed}`,
  );
}

/** 10,000 accounts, each called twice at random with 200 calls in flight; and the memory of a token. */
async function accounts(): Promise<void> {
  let requests = 0;
  // Not the sandbox, whose own memory of tokens would be counted too.
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url !== '/oauth2/token') return void response.end('{}');
    requests++;
    const access_token = randomBytes(450).toString('base64url');
    response.end(JSON.stringify({ access_token, token_type: 'Bearer', expires_in: 3600 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const moov = moovAuth(['/accounts/{accountID}/wallets.read'], {
    clientId: 'id',
    clientSecret: 'secret',
    baseURL: `http://127.0.0.1:${port}`,
  });
  const ids = Array.from({ length: 10_000 }, () => randomUUID());
  const inFlight = async (list: string[], call: (accountID: string) => Promise<unknown>) => {
    const queue = [...list];
    const work = async () => {
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) await call(id);
    };
    await Promise.all(Array.from({ length: 200 }, work));
  };
  const twice = [...ids, ...ids]
    .map((id) => ({ id, order: Math.random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ id }) => id);
  const empty = heap();
  await inFlight(twice, (accountID) => moov.accessToken({ accountID }));
  const tokens = heap();
  const asked = requests;
  let failed = 0;
  await inFlight(twice, (accountID) =>
    moov
      .clientFor({ accountID })
      .get('/ping')
      .catch(() => failed++),
  );
  const clients = heap();
  const perToken = (bytes: number) => `${(bytes / ids.length / 1024).toFixed(1)} KiB`;
  console.log(
    `10,000 accounts, 20,000 tokens taken and 20,000 calls, 200 in flight:\n` +
      `  token requests ${requests} (${asked} after the tokens were taken), calls failed ${failed}\n` +
      `  heap per token of 600 characters ${perToken(tokens - empty)}; with an Axios instance each ${perToken(clients - empty)}`,
  );
  await moov.close();
  server.closeAllConnections();
  server.close();
}

function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

await accounts();
await storms();
await lateUnauthorized();
const minute = Promise.all(Object.entries(outages).map(([what, fault]) => outage(what, fault)));
await badRoute();
console.log('a minute of 200 calls a second while the token endpoint');
await minute;
