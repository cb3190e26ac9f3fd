// What the batches go to, in a process of its own: a server with one of four kinds of rate limit, and a token endpoint.
import { createServer } from 'node:http';
import { fixedWindow, type Limit, slidingWindow, tokenBucket } from '../../test/rate-limit/simulation.js';
import type { ServerSettings } from './settings.js';

const settings: ServerSettings = JSON.parse(process.argv[2] ?? '{}');
const { kind = 'sliding window', rate: firstRate = 40, latencyMs = 0, tokenDelayMs = 0, raised } = settings;

let rate = firstRate;
const kinds: Readonly<Record<string, () => Limit>> = {
  'sliding window': () => slidingWindow(() => rate),
  'fixed window': () => fixedWindow(() => rate),
  bucket: () => tokenBucket(() => rate, 1),
  'small bucket': () => tokenBucket(() => rate, 0.2),
};
const limits = new Map<string, Limit>();
const counts = { requests: 0, made: 0 };

/** One limit for each account in a path, and one for all other paths. */
function limitOf(path: string): Limit {
  const account = /^\/accounts\/([^/]+)/.exec(path)?.[1] ?? '';
  const known = limits.get(account) ?? kinds[kind]?.();
  if (known === undefined) throw new Error(`No limit ${kind}`);
  limits.set(account, known);
  return known;
}

const token = JSON.stringify({
  access_token: 'a-token-of-the-benchmark',
  token_type: 'Bearer',
  expires_in: 3600,
});
const server = createServer((request, response) => {
  request.resume();
  const path = request.url ?? '';
  const answer = (status: number, body: string, delayMs = latencyMs) =>
    setTimeout(() => response.writeHead(status, { 'retry-after': '1' }).end(body), delayMs);
  if (path === '/oauth2/token') return void answer(200, token, tokenDelayMs);
  counts.requests++;
  if (path === '/poisoned') return void answer(429, '{}');
  const passes = settings.rate === 0 || limitOf(path)(performance.now());
  if (passes) counts.made++;
  answer(passes ? 200 : 429, '{}');
});
server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 8_192 }, () => {
  const address = server.address();
  process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` });
});
process.on('message', (message) => {
  if (message === 'begin' && raised !== undefined) {
    setTimeout(() => {
      rate = raised.to;
    }, raised.afterMs);
  }
  if (message === 'counts') process.send?.(counts);
});
