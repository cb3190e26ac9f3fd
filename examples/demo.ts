// `npm run demo`: what the package is for, step by step, against the sandbox. Nothing leaves this machine. Exits with 0
// only if every line marked "ok" was verified.
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import express from 'express';
import { idempotencyKey, moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
import { createMoovSandbox, type SandboxStats } from 'express-moov-auth/sandbox';
import { listen } from './listen.js';
import { requireAdmin } from './require-admin.js';

const apiVersion = 'v2026.10.00';
const sandbox = createMoovSandbox({ seed: { accounts: [{ name: 'Ada Lovelace', cards: [{}] }] } });
const baseURL = await sandbox.listen();
const { platformAccountID, seeded } = sandbox;

const scopes = ['/accounts.read', '/accounts/{platformAccountID}/transfers.write'];
const moov = moovAuth(scopes, { ...sandbox.options, platformAccountID, apiVersion, logger: false });
const app = express().use(moov);
app.get('/accounts/:id', async (req, res) => {
  const { data } = await req.moov.get(moovPath`/accounts/${req.params.id}`);
  res.json({ name: data.displayName });
});
app.post('/orders/:id/pay', async (req, res) => {
  const { status, data } = await req.moov.post(moovPath`/accounts/${platformAccountID}/transfers`, transfer, {
    headers: { 'X-Idempotency-Key': idempotencyKey('order', req.params.id, 'payment') },
    validateStatus: (code) => code < 300 || code === 409, // 409: paid already; the body is the original transfer
  });
  const isPaid = status < 300 || data.amount?.value === transfer.amount.value;
  res.status(isPaid ? 200 : 502).json({ transferID: data.transferID });
});
app.use('/oauth', moov.revokeRouter({ guard: requireAdmin }));
app.use(moovErrorHandler());
const server = await listen(app);
const adminKey = randomUUID();
process.env.ADMIN_KEY = adminKey;

const [customer] = seeded.accounts;
const accountPath = `/accounts/${customer?.accountID}`;
const transfer = {
  amount: { currency: 'USD', value: 1204 },
  source: { paymentMethodID: customer?.cards[0]?.paymentMethodID },
  destination: { paymentMethodID: seeded.platform.wallet?.paymentMethodID },
};
let counted = sandbox.stats;
let steps = 0;

try {
  console.log(`The Express server is at ${server.url}. The sandbox takes the place of Moov at ${baseURL}.`);
  await demonstrate().finally(stop);
  const tokens = moovSaw()('tokensRevoked');
  check('close() has revoked every token', tokens > 0 && moov.status().pendingRevocations === 0);
} catch (error) {
  process.exitCode = 1;
  console.error(`\n${error}`, '\nThe sandbox:', sandbox.stats, '\nmoov.status():', moov.status());
}

async function demonstrate(): Promise<void> {
  await tokenAtStartUp();
  await lostResponse();
  await doubleClick();
  await batchUnderRateLimit();
  await revokedToken();
  await revokeRoute();
  await headersOfCall();
}

async function tokenAtStartUp(): Promise<void> {
  step('A token at start-up');
  // Only watched: a request, or moov.ready(), would cause a token request too.
  for (let tries = 0; tries < 500 && moov.status().state !== 'ready'; tries++) await setTimeout(10);
  const seen = moovSaw();
  check('requested before the first call', seen('tokenRequests') === 1 && seen('apiRequests') === 0);
}

async function lostResponse(): Promise<void> {
  step('A payment whose response is lost');
  sandbox.fail({ method: 'POST', path: /\/transfers$/, drop: 'after' });
  const { status, body } = await send('POST', '/orders/1001/pay');
  const seen = moovSaw();
  check('retried with the same idempotency key', seen('apiRequests') === 2);
  check('Moov made one transfer', seen('transfersCreated') === 1);
  check('and the route got it', status === 200 && body.transferID === sandbox.transfers[0]?.transferID);
}

async function doubleClick(): Promise<void> {
  step('A double click');
  const [first, second] = await Promise.all([
    send('POST', '/orders/1002/pay'),
    send('POST', '/orders/1002/pay'),
  ]);
  const seen = moovSaw();
  check('Moov made one transfer', seen('transfersCreated') === 1);
  check('both clicks got it', first.status === 200 && first.body.transferID === second.body.transferID);
}

async function batchUnderRateLimit(): Promise<void> {
  step('50 payments at once, under a rate limit of 30 requests per second');
  const limited = createMoovSandbox({
    rateLimit: { requestsPerSecond: 30 },
    seed: { accounts: [{ cards: [{}] }] },
  });
  await limited.listen();
  const batch = moovAuth(scopes, { ...limited.options, platformAccountID, logger: false });
  const payments = Array.from({ length: 50 }, (_, index) =>
    batch.client.post(moovPath`/accounts/${platformAccountID}/transfers`, transfer, {
      headers: { 'X-Idempotency-Key': idempotencyKey('payout', index) },
    }),
  );
  const made = (await Promise.allSettled(payments)).filter(({ status }) => status === 'fulfilled').length;
  check('some calls got 429, waited, and were sent again', limited.stats.rateLimited > 0);
  check('all 50 payments were made, each once', made === 50 && limited.transfers.length === 50);
  await batch.close({ revoke: true });
  await limited.close();
}

async function revokedToken(): Promise<void> {
  step('The token is revoked while 100 calls are in flight');
  sandbox.revokeTokens();
  // A slow Moov, so that all calls are refused before there is a new token.
  sandbox.fail({ path: accountPath, delayMs: 200, times: 100 });
  sandbox.fail({ path: '/oauth2/token', delayMs: 400 });
  const calls = Array.from({ length: 100 }, () => send('GET', accountPath, { quiet: true }));
  const succeeded = (await Promise.all(calls)).filter((reply) => reply.status === 200);
  const seen = moovSaw();
  check('many calls got 401', seen('unauthorized') > 1);
  check('one token request renewed the token for all', seen('tokenRequests') === 1);
  check('all 100 calls succeeded', succeeded.length === 100);
}

async function revokeRoute(): Promise<void> {
  step('The revoke route, behind a guard');
  const refused = await send('POST', '/oauth/revoke');
  check('without the admin key, the token stays', refused.status === 401 && moov.status().tokens === 1);
  const allowed = await send('POST', '/oauth/revoke', { headers: { authorization: `Bearer ${adminKey}` } });
  check('with the key, no token is left', allowed.status === 200 && moov.status().tokens === 0);
  const { status } = await send('GET', accountPath);
  check('the next call requests another', status === 200 && moovSaw()('tokenRequests') === 1);
}

async function headersOfCall(): Promise<void> {
  step('The headers of a call, as Moov saw them');
  const response = await moov.client.get(accountPath);
  const { origin, authorization = '', ...headers } = sandbox.requests.at(-1)?.headers ?? {};
  const token = await moov.accessToken();
  console.log(`   Origin: ${origin}`);
  console.log(`   X-Moov-Version: ${headers['x-moov-version']}`);
  console.log(`   User-Agent: ${headers['user-agent']}`);
  console.log(`   Authorization: ${authorization.slice(0, 'Bearer '.length + 8)}...`);
  check('the origin of the API key, and the configured version', sandbox.origins.includes(origin ?? ''));
  check('the current token', authorization === `Bearer ${token}` && headers['x-moov-version'] === apiVersion);
  const printed = inspect(response, { depth: Infinity, showHidden: true });
  check('the response that a handler gets does not contain the token', !printed.includes(token));
}

async function stop(): Promise<void> {
  step('Shutting down');
  await server.close();
  await moov.close({ revoke: true });
  await sandbox.close();
}

interface Sent {
  headers?: Record<string, string>;
  quiet?: boolean;
}

/** A request to the Express server, as from one of its users. */
async function send(method: string, path: string, { headers = {}, quiet = false }: Sent = {}) {
  const response = await fetch(server.url + path, { method, headers });
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  const body = (isJson ? await response.json() : {}) as { transferID?: string };
  if (!quiet) console.log(`   ${method} ${path}  ->  ${response.status}`);
  return { status: response.status, body };
}

/** Prints what Moov received since the last time, and returns the counters. */
function moovSaw(): (counter: keyof SandboxStats) => number {
  const before = counted;
  const now = sandbox.stats;
  counted = now;
  const seen = (counter: keyof SandboxStats) => now[counter] - before[counter];
  const counters = [
    [seen('tokenRequests'), 'token requests'],
    [seen('revokeRequests'), 'revocations'],
    [seen('apiRequests'), 'API calls'],
    [seen('unauthorized'), 'answered 401'],
  ] as const;
  const parts = counters.filter(([count]) => count > 0).map(([count, what]) => `${what}: ${count}`);
  console.log(`   Moov saw ${parts.join(', ') || 'nothing'}`);
  return seen;
}

function step(title: string): void {
  console.log(`\n${++steps}. ${title}`);
}

function check(claim: string, condition: boolean): void {
  if (!condition) throw new Error(`NOT SO: ${claim}`);
  console.log(`   ok  ${claim}`);
}
