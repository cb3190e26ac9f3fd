import { randomUUID } from 'node:crypto';
import { Request as UndiciRequest } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isMoovCallError, MoovConfigError, MoovOriginError, MoovScopeError } from '../../src/index.js';
import { failure, startMoov } from '../helpers/moov.js';
import { order } from '../sandbox/helpers.js';
import { json, startElsewhere } from '../security/servers.js';
import { start } from '../security/start.js';

const business = JSON.stringify({
  accountType: 'business',
  profile: { business: { legalBusinessName: 'Whole Body Fitness' } },
});
const asJSON = { 'content-type': 'application/json' };

describe('moov.fetch takes', () => {
  it('a path, a URL as text or object, and Requests of either make, and adds what Moov asks for', async () => {
    const { moov, sandbox } = await startMoov({ apiVersion: 'v2026.01.00' });
    const url = `${sandbox.url}/ping?a=b`;
    // undici's types are stricter than what Node itself takes.
    const foreign = new UndiciRequest(url);
    if (!(foreign instanceof UndiciRequest) || !isGlobalRequest(foreign)) throw new Error('no Request');
    for (const input of ['/ping?a=b', url, new URL(url), new Request(url), foreign]) {
      const response = await moov.fetch(input);
      expect(response).toBeInstanceOf(Response);
      expect(response).toMatchObject({ status: 200, ok: true, url, redirected: false });
      expect(response.moov).toEqual({
        attempts: 1,
        ambiguous: false,
        requestId: response.headers.get('x-request-id'),
      });
    }
    const calls = sandbox.requests.filter(({ path }) => path === '/ping?a=b');
    expect(calls).toHaveLength(5);
    for (const { method, headers } of calls) {
      expect(method).toBe('GET');
      expect(headers).toMatchObject({
        authorization: expect.stringMatching(/^Bearer /),
        origin: sandbox.origins[0],
        'x-moov-version': 'v2026.01.00',
        accept: '*/*',
      });
    }
    expect(sandbox.stats.tokenRequests).toBe(1);
  });

  it('an init that overrides a Request, and a version of the caller’s own', async () => {
    const { moov, sandbox } = await startMoov();
    const request = new Request(`${sandbox.url}/accounts`, { method: 'PUT', body: 'x', headers: { a: 'b' } });
    const response = await moov.fetch(request, {
      method: 'post',
      body: business,
      headers: { ...asJSON, 'X-Moov-Version': 'v2025.01.00' },
    });
    expect(response.status).toBe(200);
    const { method, headers } = sandbox.requests.at(-1) ?? {};
    expect(method).toBe('POST');
    expect(headers).toMatchObject({ 'x-moov-version': 'v2025.01.00', 'content-type': 'application/json' });
    expect(headers).not.toHaveProperty('a');
    // What is undefined overrides nothing.
    const nothing: object = { method: undefined, body: undefined };
    const same = new Request(`${sandbox.url}/accounts`, { method: 'POST', body: business, headers: asJSON });
    const again = await moov.fetch(same, nothing);
    expect([again.status, same.bodyUsed]).toEqual([200, true]);
    expect(sandbox.stats.accountsCreated).toBe(2);
  });

  it('scopes and an account, as clientFor does', async () => {
    const accountID = randomUUID();
    const { moov, sandbox } = await startMoov();
    const wallets = moov.fetchFor({ scopes: '/accounts/{accountID}/wallets.read', accountID });
    expect((await wallets('/ping')).status).toBe(403);
    expect((await moov.fetchFor()('/ping')).status).toBe(200);
    expect(sandbox.stats.tokenRequests).toBe(2);
    expect(() => moov.fetchFor({ scopes: '/accounts/{accountID}/wallets.read' })).toThrow(MoovScopeError);
    expect(() => moov.fetchFor({ accountID: 'x' })).toThrow(MoovScopeError);
  });
});

it('moov.fetch takes nothing from Object.prototype', async () => {
  const { moov, fake } = await start();
  await moov.ready();
  // Not `signal`, which would end the requests that Node's own server in this process receives.
  const strange = { method: 'DELETE', body: 'x', headers: { 'x-a': 'b' } };
  for (const [name, value] of Object.entries(strange)) {
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
  }
  onTestFinished(() => {
    for (const name of Object.keys(strange)) Reflect.deleteProperty(Object.prototype, name);
  });
  for (const init of [undefined, {}, { redirect: 'manual' as const }]) await moov.fetch('/x', init);
  for (const { method, headers } of fake.arrivals) {
    expect(method).toBe('GET');
    expect(headers).not.toHaveProperty('x-a');
    expect(headers).not.toHaveProperty('content-length');
  }
  expect(fake.arrivals).toHaveLength(3);
});

describe('moov.fetch refuses, before a token is asked for,', () => {
  it.each([
    'https://evil.example.com/accounts',
    '//evil.example.com/accounts',
    'http:evil.example.com',
    '/accounts/../oauth2/token',
    '/accounts/%2e%2e/oauth2/token',
    '/accounts\\x',
    '/a\nb',
  ])('%j', async (input) => {
    const { moov, sandbox } = await startMoov({ clientId: () => Promise.reject(new Error('not asked')) });
    const before = sandbox.requests.length;
    const error = await failure(moov.fetch(input));
    expect(error).toBeInstanceOf(MoovOriginError);
    expect(error.moov).toEqual({ attempts: 0, ambiguous: false });
    expect(sandbox.requests).toHaveLength(before);
  });

  it('Requests and URLs that lead elsewhere, where nothing arrives', async () => {
    const elsewhere = await startElsewhere();
    const { moov } = await startMoov();
    const request = new Request(elsewhere.url, { method: 'POST', body: 'x' });
    for (const input of [request, new URL(elsewhere.url)]) {
      expect(await failure(moov.fetch(input))).toBeInstanceOf(MoovOriginError);
    }
    expect(request.bodyUsed).toBe(false);
    expect(elsewhere.connections).toBe(0);
  });

  it.each<[string, object, RegExp]>([
    ['an Authorization header', { headers: { authorization: 'Bearer x' } }, /"Authorization" header/],
    ['a Host header', { headers: { host: 'evil.example.com' } }, /"Host" header/],
    ['a dispatcher', { dispatcher: {} }, /"dispatcher"/],
    ['integrity', { integrity: 'sha256-abc' }, /"integrity"/],
    ['a key over 36 characters', { headers: { 'x-idempotency-key': 'x'.repeat(37) } }, /X-Idempotency-Key/],
  ])('%s', async (_what, init, message) => {
    const { moov, sandbox } = await startMoov();
    const error = await failure(moov.fetch('/ping', Object.assign({}, init)));
    expect(error).toBeInstanceOf(MoovConfigError);
    expect(error.message).toMatch(message);
    expect(isMoovCallError(error) && error.moov).toEqual({ attempts: 0, ambiguous: false });
    expect(sandbox.stats.apiRequests).toBe(0);
  });

  it('values that are not a request in the standard either', async () => {
    const { moov, sandbox } = await startMoov();
    const used = new Request(`${sandbox.url}/ping`, { method: 'POST', body: 'x' });
    await used.text();
    const stream = new ReadableStream();
    for (const call of [
      moov.fetch('/ping', { body: 'x' }),
      moov.fetch('/ping', { method: 'POST', body: stream }),
      moov.fetch(used),
    ]) {
      const error = await failure(call);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.moov).toEqual({ attempts: 0, ambiguous: false });
    }
    expect(sandbox.stats.apiRequests).toBe(0);
  });
});

describe('moov.fetch obtains a new token and replays', () => {
  it('after an expiry and a revocation, a Request’s body and all', async () => {
    const { moov, sandbox, count } = await startMoov();
    await moov.ready();
    for (const lose of [() => sandbox.expireTokens(), () => sandbox.revokeTokens()]) {
      lose();
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const part of [business.slice(0, 9), business.slice(9)]) controller.enqueue(Buffer.from(part));
          controller.close();
        },
      });
      const request = new Request(`${sandbox.url}/accounts`, {
        method: 'POST',
        headers: asJSON,
        body,
        duplex: 'half',
      });
      const response = await moov.fetch(request);
      expect(response.status).toBe(200);
      expect(response.moov.attempts).toBe(2);
      expect(await response.json()).toMatchObject({ displayName: 'Whole Body Fitness' });
    }
    expect(count('call.replayed')).toBe(2);
    expect(sandbox.stats).toMatchObject({ accountsCreated: 2, tokensMinted: 3, unauthorized: 2 });
  });

  it('with one renewal for many calls', async () => {
    const { moov, sandbox } = await startMoov();
    await moov.ready();
    sandbox.revokeTokens();
    const replies = await Promise.all(Array.from({ length: 50 }, () => moov.fetch('/ping')));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    await Promise.all(replies.map((reply) => reply.text()));
    expect(sandbox.stats.tokenRequests).toBe(2);
  });

  it('once, and delivers a 401 that a new token does not fix', async () => {
    const { moov, sandbox } = await startMoov();
    sandbox.fail({ path: '/ping', status: 401, times: Number.POSITIVE_INFINITY });
    const response = await moov.fetch('/ping');
    expect([response.status, response.ok, response.moov.attempts]).toEqual([401, false, 2]);
    expect(sandbox.stats.tokenRequests).toBe(2);
  });
});

describe('moov.fetch retries', () => {
  const retryAtOnce = { 'retry-after-ms': '1' };

  it('reads, and writes with an idempotency key alone, and delivers what is left', async () => {
    const { moov, sandbox } = await startMoov();
    const transfers = `/accounts/${sandbox.platformAccountID}/transfers`;
    const init = { method: 'POST', body: JSON.stringify(order), headers: asJSON };
    const keyed = { ...init, headers: { ...asJSON, 'X-Idempotency-Key': randomUUID() } };

    sandbox.fail({ path: '/ping', status: 503, headers: retryAtOnce, times: 2 });
    expect(await moov.fetch('/ping')).toMatchObject({ status: 200, moov: { attempts: 3 } });

    sandbox.fail({ path: transfers, status: 503, headers: retryAtOnce });
    expect(await moov.fetch(transfers, keyed)).toMatchObject({ status: 200, moov: { attempts: 2 } });

    sandbox.fail({ path: transfers, status: 503, headers: retryAtOnce, body: { error: 'busy' } });
    const response = await moov.fetch(transfers, init);
    expect(response).toMatchObject({ status: 503, moov: { attempts: 1, ambiguous: true } });
    expect(await response.json()).toEqual({ error: 'busy' });
    expect(sandbox.transfers).toHaveLength(1);
  });

  it.each(['drop', 'truncate'])(
    'a payment whose response is lost (%s), and finds the original',
    async (how) => {
      const { moov, sandbox } = await startMoov();
      const transfers = `/accounts/${sandbox.platformAccountID}/transfers`;
      sandbox.fail({ path: transfers, ...(how === 'drop' ? { drop: 'after' } : { truncate: true }) });
      const response = await moov.fetch(transfers, {
        method: 'POST',
        body: JSON.stringify(order),
        headers: { ...asJSON, 'X-Idempotency-Key': randomUUID() },
      });
      expect(response).toMatchObject({ status: 409, moov: { attempts: 2, ambiguous: false } });
      expect(await response.json()).toMatchObject({ transferID: sandbox.transfers[0]?.transferID });
      expect(sandbox.transfers).toHaveLength(1);
    },
  );
});

describe('redirects', () => {
  it('to Moov’s own origin are delivered and not followed; to another one they are MoovOriginError', async () => {
    const elsewhere = await startElsewhere();
    const { moov, fake } = await start();
    fake.api = (_request, response) => json(response, 302, {}, { location: '/next' });
    for (const redirect of ['follow', 'manual'] as const) {
      const response = await moov.fetch('/old', { redirect });
      expect(response.status).toBe(302);
      expect(response.headers.get('location')).toBe('/next');
    }
    const error = await failure(moov.fetch(new Request(`${fake.url}/old`, { redirect: 'error' })));
    expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed', moov: { attempts: 1 } });
    fake.api = (_request, response) => json(response, 302, {}, { location: `${elsewhere.url}/x` });
    expect(await failure(moov.fetch('/old'))).toBeInstanceOf(MoovOriginError);
    expect(elsewhere.connections).toBe(0);
    expect(fake.arrivals.map(({ path }) => path)).toEqual(['/old', '/old', '/old', '/old']);
  });
});

/** undici's Request has what a fetch reads of one; its class is another. */
function isGlobalRequest(request: object): request is Request {
  return !(request instanceof Request) && 'duplex' in request && 'headers' in request;
}
