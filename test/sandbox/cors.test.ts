import { describe, expect, test } from 'vitest';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import { bearer, mint, ORIGIN, send } from './helpers.js';

const PAGE = 'http://127.0.0.1:3000';
const origins = [ORIGIN, PAGE];

/** What a browser sends ahead of a call with a token: no credentials. */
function preflight(sandbox: MoovSandbox, path: string, headers: Record<string, string>): Promise<Response> {
  return fetch(sandbox.url + path, {
    method: 'OPTIONS',
    headers: {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-idempotency-key,x-moov-version',
      ...headers,
    },
  });
}

function corsOf({ headers }: Response): string[] {
  return [...headers.keys()].filter((name) => name.startsWith('access-control-'));
}

function listed(response: Response, name: string): string[] {
  return (response.headers.get(name) ?? '').split(',').map((part) => part.trim().toLowerCase());
}

describe('a preflight', () => {
  test.each(origins)('of the registered origin %s is answered without credentials', async (origin) => {
    const sandbox = await startSandbox({ origins });
    const response = await preflight(sandbox, '/accounts', { origin });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    expect(response.headers.get('vary')).toBe('Origin');
    expect(listed(response, 'access-control-allow-methods')).toEqual(
      expect.arrayContaining(['get', 'post', 'put', 'patch', 'delete']),
    );
    expect(listed(response, 'access-control-allow-headers')).toEqual(
      expect.arrayContaining(['authorization', 'content-type', 'x-idempotency-key', 'x-moov-version']),
    );
  });

  test.each([
    'https://evil.example.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example',
    'http://127.0.0.1:3001',
    'null',
  ])('of %s is not', async (origin) => {
    const sandbox = await startSandbox({ origins });
    const response = await preflight(sandbox, '/accounts', { origin });
    expect(response.status).toBe(401);
    expect(corsOf(response)).toEqual([]);
    expect(response.headers.get('vary')).toBe('Origin');
  });

  test('without an origin, and an OPTIONS that is none, is not', async () => {
    const sandbox = await startSandbox({ origins });
    const without = await preflight(sandbox, '/accounts', {});
    expect(without.status).toBe(401);
    expect(corsOf(without)).toEqual([]);
    const options = await fetch(`${sandbox.url}/accounts`, {
      method: 'OPTIONS',
      headers: { origin: ORIGIN },
    });
    expect(options.status).toBe(401);
  });

  test.each(['/oauth2/token', '/oauth2/revoke'])('for %s is not: a browser has no API key', async (path) => {
    const sandbox = await startSandbox({ origins });
    const response = await preflight(sandbox, path, { origin: ORIGIN });
    expect(response.status).not.toBe(204);
    expect(corsOf(response)).toEqual([]);
  });

  test('uses up no fault and nothing of the rate limit', async () => {
    const sandbox = await startSandbox({ origins, rateLimit: { requestsPerSecond: 1 } });
    sandbox.fail({ path: '/ping', status: 503 });
    for (let count = 0; count < 3; count += 1) {
      expect((await preflight(sandbox, '/ping', { origin: PAGE })).status).toBe(204);
    }
    expect((await send(sandbox, 'GET', '/ping')).status).toBe(503);
    expect((await send(sandbox, 'GET', '/ping')).status).toBe(200);
  });
});

describe('a reply', () => {
  test('to a registered origin can be read by its page, with the request ID', async () => {
    const sandbox = await startSandbox({ origins });
    const { access_token } = await mint(sandbox);
    for (const origin of origins) {
      const response = await fetch(`${sandbox.url}/ping`, { headers: bearer(access_token, origin) });
      expect(response.status).toBe(200);
      expect(response.headers.get('access-control-allow-origin')).toBe(origin);
      expect(listed(response, 'access-control-expose-headers')).toContain('x-request-id');
      expect(response.headers.get('vary')).toBe('Origin');
      expect(response.headers.has('access-control-allow-credentials')).toBe(false);
    }
  });

  test('that refuses, or is a fault, can be read too', async () => {
    const sandbox = await startSandbox({ origins });
    const { access_token } = await mint(sandbox);
    sandbox.fail({ path: '/institutions', status: 503 });
    const refused = [
      [401, '/ping', 'no token'],
      [403, '/accounts', access_token],
      [404, '/nowhere', access_token],
      [503, '/institutions', access_token],
    ] as const;
    for (const [status, path, token] of refused) {
      const response = await fetch(sandbox.url + path, { headers: bearer(token, PAGE) });
      expect(response.status).toBe(status);
      expect(response.headers.get('access-control-allow-origin')).toBe(PAGE);
    }
  });

  test('to another origin, or to none, has no CORS headers', async () => {
    const sandbox = await startSandbox({ origins });
    const { access_token } = await mint(sandbox);
    const other = await fetch(`${sandbox.url}/ping`, { headers: bearer(access_token, 'http://127.0.0.1:1') });
    const none = await send(sandbox, 'GET', '/ping');
    expect([other.status, none.status]).toEqual([401, 200]);
    for (const response of [other, none]) {
      expect(corsOf(response)).toEqual([]);
      expect(response.headers.get('vary')).toBe('Origin');
    }
  });

  test('of the OAuth endpoints has none for anybody', async () => {
    const sandbox = await startSandbox({ origins });
    const response = await send(sandbox, 'POST', '/oauth2/token', {
      headers: { origin: ORIGIN },
      body: { grant_type: 'client_credentials', scope: '/ping.read' },
    });
    expect(response.status).toBe(200);
    expect(corsOf(response)).toEqual([]);
    expect(response.headers.has('vary')).toBe(false);
  });
});
