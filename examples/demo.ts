// `npm run demo`: the middleware at work, step by step, against the sandbox. Nothing leaves this machine. Exits with
// 0 only when every line marked "ok" was found to be so.
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import express from 'express';
import { moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
import { createMoovSandbox, type SandboxAccount, type SandboxStats } from 'express-moov-auth/sandbox';
import { listen } from './listen.js';
import { requireAdmin } from './require-admin.js';

const origin = 'https://app.example.com';
const apiVersion = 'v2026.10.00';
const sandbox = createMoovSandbox({ origins: [origin] });
const baseURL = await sandbox.listen();

const scopes = ['/accounts.read', '/accounts.write'];
const moov = moovAuth(scopes, { ...sandbox.credentials, origin, baseURL, apiVersion });
const app = express();
app.use(express.json(), moov);
app.post('/accounts', async (req, res) => {
  const { data } = await req.moov.post('/accounts', req.body);
  res.status(201).json(data);
});
app.get('/accounts/:id', async (req, res) => {
  const { data } = await req.moov.get(moovPath`/accounts/${req.params.id}`);
  res.json(data);
});
app.use('/oauth', moov.revokeRouter({ guard: requireAdmin }));
app.use(moovErrorHandler());
const server = await listen(app);
const adminKey = randomUUID();
process.env.ADMIN_KEY = adminKey;

const ada = {
  accountType: 'individual',
  profile: { individual: { name: { firstName: 'Ada', lastName: 'Lovelace' } } },
};
let counted = sandbox.stats;
let steps = 0;

try {
  console.log(`The Express server is at ${server.url}; Moov is played by the sandbox at ${baseURL}.`);
  await demonstrate().finally(stop);
  step('The end');
  check(
    'no token is left at Moov',
    moovSaw()('tokensRevoked') === 2 && moov.status().pendingRevocations === 0,
  );
} catch (error) {
  process.exitCode = 1;
  console.error(`\n${error}`, '\nThe sandbox:', sandbox.stats, '\nmoov.status():', moov.status());
}

async function demonstrate(): Promise<void> {
  await tokenOnStartUp();
  const path = await callFromRoute();
  await survivesRevocation(path);
  await revokeRoute(path);
  await whatMoovSaw(path);
}

async function tokenOnStartUp(): Promise<void> {
  step('A token on start-up');
  // Only watched, as a request, or moov.ready(), would obtain one too.
  for (let tries = 0; tries < 500 && moov.status().state !== 'ready'; tries++) await setTimeout(10);
  const seen = moovSaw();
  check('a token is held', moov.status().state === 'ready');
  check(
    'it was obtained at once, before any request',
    seen('tokenRequests') === 1 && seen('apiRequests') === 0,
  );
}

async function callFromRoute(): Promise<string> {
  step('A route calls Moov with req.moov.post');
  const { status, body } = await send('POST', '/accounts', { body: ada });
  const seen = moovSaw();
  const known = sandbox.accounts.map(({ accountID }) => accountID);
  check('the route answers 201 with the new account', status === 201 && body.displayName === 'Ada Lovelace');
  check('Moov has that account', known.includes(body.accountID ?? ''));
  check('the token from the start was used', seen('tokenRequests') === 0 && seen('apiRequests') === 1);
  return `/accounts/${body.accountID}`;
}

async function survivesRevocation(path: string): Promise<void> {
  step('The token is revoked behind its back');
  sandbox.revokeTokens();
  const { status } = await send('POST', '/accounts', { body: ada });
  const one = moovSaw();
  check('the call was refused, and sent again with a new token', status === 201 && one('unauthorized') === 1);
  check('with one token request', one('tokenRequests') === 1 && one('apiRequests') === 2);
  check('and the account was created once', one('accountsCreated') === 1);

  console.log('   Once more, with 100 calls at the same time:');
  sandbox.revokeTokens();
  // A slow Moov, so that all are under way together, and refused before there is a new token.
  sandbox.fail({ path, delayMs: 200, times: 100 });
  sandbox.fail({ path: '/oauth2/token', delayMs: 400 });
  const calls = Array.from({ length: 100 }, () => send('GET', path, { quiet: true }));
  const succeeded = (await Promise.all(calls)).filter((reply) => reply.status === 200);
  const hundred = moovSaw();
  check('many were refused at the same time', hundred('unauthorized') > 1);
  check('all 100 succeed in the end', succeeded.length === 100);
  check('with one token request', hundred('tokenRequests') === 1);
}

async function revokeRoute(path: string): Promise<void> {
  step('The revoke route, behind its guard');
  const refused = await send('POST', '/oauth/revoke');
  check('without the admin key the guard refuses', refused.status === 401);
  check('and the token stays', moovSaw()('revokeRequests') === 0 && moov.status().tokens === 1);

  const old = await moov.accessToken();
  const allowed = await send('POST', '/oauth/revoke', { headers: { authorization: `Bearer ${adminKey}` } });
  const seen = moovSaw();
  check('with the key it works', allowed.status === 200 && moov.status().tokens === 0);
  check('both tokens, access and refresh, are revoked at Moov', seen('tokensRevoked') === 2);

  const { status } = await send('GET', path);
  check('the next call obtains a new token', status === 200 && moovSaw()('tokenRequests') === 1);
  check('which is another one', old !== (await moov.accessToken()));
}

async function whatMoovSaw(path: string): Promise<void> {
  step('The headers of a call, as Moov saw them');
  const reply = await moov.client.get(path);
  const { origin: from, authorization = '', ...headers } = sandbox.requests.at(-1)?.headers ?? {};
  const token = await moov.accessToken();
  console.log(`   Origin: ${from}`);
  console.log(`   X-Moov-Version: ${headers['x-moov-version']}`);
  console.log(`   User-Agent: ${headers['user-agent']}`);
  console.log(`   Authorization: ${authorization.slice(0, 'Bearer '.length + 8)}...`);
  check('the origin registered with the key', from === origin);
  check('the version that was asked for', headers['x-moov-version'] === apiVersion);
  check('the name of this package', headers['user-agent']?.startsWith('express-moov-auth/') === true);
  check('the token that is held', authorization === `Bearer ${token}`);
  const shown = inspect(reply, { depth: Infinity, showHidden: true });
  check('the reply that a handler gets leads to no token', !shown.includes(token));
}

async function stop(): Promise<void> {
  await server.close();
  await moov.close({ revoke: true });
  await sandbox.close();
}

interface Sent {
  body?: object;
  headers?: Record<string, string>;
  quiet?: boolean;
}

/** A request to the Express server, as one of its users sends it. */
async function send(method: string, path: string, { body, headers = {}, quiet = false }: Sent = {}) {
  const response = await fetch(server.url + path, {
    method,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  const answer = (isJson ? await response.json() : {}) as Partial<SandboxAccount>;
  if (!quiet) console.log(`   ${method} ${path}  ->  ${response.status}`);
  return { status: response.status, body: answer };
}

/** Prints what has reached Moov since the last time, and returns its counters. */
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
