// What the batches go to, in a process of its own: a server with one of four kinds of rate limit, and a token endpoint.
import { createServer } from 'node:http';
import { fixedWindow, type Limit, slidingWindow, tokenBucket } from '../../test/rate-limit/simulation.js';

const [kind = 'sliding', rate = '40', latencyMs = '0'] = process.argv.slice(2);
const limits: Readonly<Record<string, Limit>> = {
  sliding: slidingWindow(() => Number(rate)),
  fixed: fixedWindow(() => Number(rate)),
  bucket: tokenBucket(() => Number(rate), 1),
  'small bucket': tokenBucket(() => Number(rate), 0.2),
};
const limit = limits[kind];
if (limit === undefined) throw new Error(`No limit ${kind}`);
const token = { access_token: 'a-token-of-the-benchmark', token_type: 'Bearer', expires_in: 3600 };
const counts = { requests: 0, refused: 0, passed: 0 };

const server = createServer((request, response) => {
  request.resume();
  const answer = (status: number, body: string) =>
    setTimeout(() => response.writeHead(status, { 'retry-after': '1' }).end(body), Number(latencyMs));
  if (request.url === '/oauth2/token') return void answer(200, JSON.stringify(token));
  counts.requests++;
  const isAllowed = limit(performance.now());
  counts[isAllowed ? 'passed' : 'refused']++;
  answer(isAllowed ? 200 : 429, '{}');
});
server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 8_192 }, () => {
  const address = server.address();
  process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` });
});
process.on('message', () => process.send?.(counts));
