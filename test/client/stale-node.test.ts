import { describe, expect, it, onTestFinished } from 'vitest';
import { moovAuth } from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { type Answer, serve } from '../helpers/http-server.js';

// One node of Moov's that is behind answers some calls with 401, whatever the token.

const token = { body: { access_token: 'a-token', token_type: 'Bearer', expires_in: 900 } };

async function start(answer: (path: string, count: number) => Answer) {
  let [mints, count] = [0, 0];
  const server = await serve(({ path }) => {
    if (path !== '/oauth2/token') return answer(path, ++count);
    mints++;
    return token;
  });
  const moov = moovAuth('/ping.read', {
    clientId: 'id',
    clientSecret: 'a-long-secret',
    baseURL: server.url,
  });
  onTestFinished(() => moov.close());
  await moov.ready();
  fastClock();
  const requests = (path: string) => server.requests.filter((request) => request.path === path).length;
  return { moov, requests, mints: () => mints };
}

describe('calls of which 2 % are answered with 401 by a node that is behind', () => {
  it('nearly all succeed, at the cost of few token requests', async () => {
    const { moov, mints } = await start((_path, count) =>
      count % 50 === 0 ? { status: 401 } : { body: {} },
    );
    let failed = 0;
    for (let batch = 0; batch < 40; batch++) {
      const calls = Array.from({ length: 25 }, () => moov.client.get('/x').catch(() => failed++));
      await Promise.all(calls);
    }
    expect(failed).toBeLessThanOrEqual(1);
    // One 401 in fifty calls: each leads to one token request at most.
    expect(mints()).toBeLessThanOrEqual(1 + 1_000 / 50 + 1);
  });
});

describe('a route that always gets 401, beside good calls', () => {
  it('costs a fifth more requests than calls, and hardly a token request', async () => {
    const { moov, mints, requests } = await start((path) =>
      path === '/always' ? { status: 401 } : { body: {} },
    );
    for (let round = 0; round < 200; round++) {
      await moov.client.get('/good');
      await moov.client.get('/always').catch(() => undefined);
    }
    expect(mints()).toBeLessThanOrEqual(3);
    // The first is replayed with a new token. The others are replayed out of the retry budget: ten, and a fifth of all calls.
    expect(requests('/always')).toBeLessThanOrEqual(200 + 2 + 10 + 400 / 5);
    expect(requests('/always')).toBeGreaterThan(220);
    expect(requests('/good')).toBe(200);
  });
});
