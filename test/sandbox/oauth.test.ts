import { describe, expect, test, vi } from 'vitest';
import { startSandbox } from '../helpers/moov.js';
import { basic, type Minted, mint, ORIGIN, ping, readJson, requestToken, send } from './helpers.js';

const clientCredentials = { grant_type: 'client_credentials', scope: '/ping.read' };

function part(token: string, index: number): unknown {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString('utf8'));
}

describe('POST /oauth2/token', () => {
  test('an access token is a JWT whose claims say what it is for', async () => {
    const sandbox = await startSandbox({ origins: [ORIGIN, 'https://pay.example.com:8443'] });
    const before = Math.floor(Date.now() / 1000);
    const minted = await mint(sandbox, '/accounts.read  /ping.read /ping.read');
    expect(minted).toMatchObject({ token_type: 'Bearer', scope: '/accounts.read /ping.read' });
    expect(minted.access_token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(part(minted.access_token, 0)).toMatchObject({ typ: 'JWT' });
    const claims = part(minted.access_token, 1);
    expect(claims).toMatchObject({
      scp: ['/accounts.read', '/ping.read'],
      aud: ['app.example.com', 'pay.example.com:8443'],
      caid: sandbox.platformAccountID,
      aid: expect.any(String),
      jti: expect.any(String),
      iat: minted.expires_in - 3600,
      exp: minted.expires_in,
    });
    expect(minted.expires_in - 3600 - before).toBeOneOf([0, 1]);
  });

  test('expires_in can be seconds, a token opaque, and a refresh token missing', async () => {
    const sandbox = await startSandbox({
      expiresIn: 'seconds',
      tokenLifeSeconds: 900,
      opaqueTokens: true,
      refreshTokens: false,
    });
    const minted = await mint(sandbox);
    expect(minted.expires_in).toBe(900);
    expect(minted.access_token).not.toContain('.');
    expect(minted).not.toHaveProperty('refresh_token');
    expect(await ping(sandbox, minted.access_token)).toBe(200);
  });

  test('takes a form as well as JSON, and the key by Basic or in the body', async () => {
    const sandbox = await startSandbox({ clientId: 'key+1', clientSecret: 'p%:/ü' });
    const { clientId, clientSecret } = sandbox.credentials;
    const inBody = { ...clientCredentials, client_id: clientId, client_secret: clientSecret };
    const encoded = basic({
      clientId: encodeURIComponent(clientId),
      clientSecret: encodeURIComponent(clientSecret),
    });
    const post = (body: string | URLSearchParams, headers: Record<string, string>) =>
      fetch(`${sandbox.url}/oauth2/token`, { method: 'POST', body, headers: { origin: ORIGIN, ...headers } });
    const json = { 'content-type': 'application/json; charset=utf-8' };

    const replies = await Promise.all([
      post(JSON.stringify(inBody), json),
      post(new URLSearchParams(inBody), {}),
      post(JSON.stringify(clientCredentials), { ...json, authorization: encoded }),
      post(new URLSearchParams(clientCredentials), { authorization: encoded }),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);

    // RFC 6749 section 2.3.1: a percent sign that is not encoded is not the same key.
    const raw = await post(new URLSearchParams(clientCredentials), {
      authorization: basic(sandbox.credentials),
    });
    expect(raw.status).toBe(401);
  });

  test.each([
    ['a wrong secret', { authorization: basic({ clientId: 'sandbox-public-key', clientSecret: 'wrong' }) }],
    ['a wrong key', { authorization: basic({ clientId: 'wrong', clientSecret: 'sandbox-secret-key' }) }],
    ['no credentials', { authorization: '' }],
  ])('answers %s with a bare 401', async (_, headers) => {
    const sandbox = await startSandbox();
    const response = await requestToken(sandbox, clientCredentials, { origin: ORIGIN, ...headers });
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toBeNull();
    expect(response.headers.get('www-authenticate')).toBeNull();
    expect(await response.text()).toBe('');
    expect(sandbox.stats.tokensMinted).toBe(0);
  });

  test.each([
    ['no grant type', {}],
    ['an unknown grant type', { grant_type: 'password' }],
    ['no scope', { grant_type: 'client_credentials' }],
    ['no refresh token', { grant_type: 'refresh_token' }],
    ['a field that is no string', { grant_type: 'client_credentials', scope: ['/ping.read'] }],
  ])('answers %s with 400 and an error', async (_, body) => {
    const response = await requestToken(await startSandbox(), body);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.any(String) });
  });

  test.each([
    ['broken JSON', '{"grant_type":', 'application/json'],
    ['another type of body', 'grant_type=client_credentials', 'text/plain'],
  ])('answers %s with 400 and an error', async (_, body, type) => {
    const sandbox = await startSandbox();
    const headers = { origin: ORIGIN, authorization: basic(sandbox.credentials), 'content-type': type };
    const response = await fetch(`${sandbox.url}/oauth2/token`, { method: 'POST', body, headers });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.any(String) });
  });

  test.each([
    ['/nonsense.read'],
    ['/ping.read /ping.write'],
    ['/accounts/{accountID}/wallets.read'],
    ['/accounts/a/b/wallets.read'],
    ['/accounts/a/issued-cards.write'],
    [' '],
  ])('answers the scope "%s" with 422 and the field', async (scope) => {
    const response = await requestToken(await startSandbox(), { grant_type: 'client_credentials', scope });
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ scope: expect.any(String) });
  });

  test('knows every scope that Moov lists', async () => {
    const sandbox = await startSandbox();
    const resources =
      'apple-pay bank-accounts branding capabilities cards documents files invoices payment-methods profile ' +
      'representatives tickets transfers wallets';
    const scopes = [
      '/ping.read /fed.read /profile-enrichment.read /accounts.read /accounts.write /institutions.read',
      '/card-metadata.read /terminal-applications.read /terminal-applications.write',
      '/accounts/a-1/issued-cards.read /accounts/a-1/issued-cards.read-secure',
      '/accounts/a-1/terminal-configuration.read /accounts/a-1/profile.disconnect',
      ...resources.split(' ').map((name) => `/accounts/a-1/${name}.read /accounts/a-1/${name}.write`),
    ].join(' ');
    expect((await mint(sandbox, scopes)).scope).toBe(scopes);
  });

  test('needs an Origin or a Referer, but minds only later that it is a wrong one', async () => {
    const sandbox = await startSandbox();
    const without = await requestToken(sandbox, clientCredentials, {});
    expect(without.status).toBe(400);
    expect(await without.json()).toEqual({ error: expect.stringContaining('Origin') });
    expect((await requestToken(sandbox, clientCredentials, { referer: `${ORIGIN}/page` })).status).toBe(200);
    const wrong = await requestToken(sandbox, clientCredentials, { origin: 'https://evil.example.com' });
    expect(wrong.status).toBe(200);
  });

  test('a refresh token works once, and its successor keeps the whole scope', async () => {
    const sandbox = await startSandbox();
    const first = await mint(sandbox, '/ping.read /accounts.read');
    const refresh = (token: string, more = {}) =>
      requestToken(sandbox, { grant_type: 'refresh_token', refresh_token: token, ...more });

    const second = await refresh(first.refresh_token, { scope: '/ping.read' });
    expect(second.status).toBe(200);
    const narrowed = await readJson<Minted>(second);
    expect(narrowed.scope).toBe('/ping.read');
    const again = await refresh(first.refresh_token);
    expect(again.status).toBe(422);
    expect(await again.json()).toEqual({ refresh_token: expect.any(String) });

    const wider = await refresh(narrowed.refresh_token, { scope: '/accounts.write' });
    expect(wider.status).toBe(422);
    expect(await wider.json()).toEqual({ scope: expect.any(String) });
    const whole = await readJson<Minted>(await refresh(narrowed.refresh_token));
    expect(whole.scope).toBe('/ping.read /accounts.read');
    expect((await refresh('x'.repeat(4096))).status).toBe(422);
    expect(await ping(sandbox, first.access_token)).toBe(200);
  });
});

describe('POST /oauth2/revoke', () => {
  test('ends the token it names and no other, without an Origin and whatever the hint', async () => {
    const sandbox = await startSandbox();
    const { access_token, refresh_token } = await mint(sandbox);
    const other = await mint(sandbox);
    const revoke = (body: object) => send(sandbox, 'POST', '/oauth2/revoke', { body });

    const response = await revoke({ token: access_token, token_type_hint: 'refresh_token' });
    expect(response.status).toBe(204);
    expect(response.headers.get('content-type')).toBeNull();
    expect(await response.text()).toBe('');
    expect(await ping(sandbox, access_token)).toBe(401);
    expect(await ping(sandbox, other.access_token)).toBe(200);

    const refresh = () => requestToken(sandbox, { grant_type: 'refresh_token', refresh_token });
    expect((await revoke({ token: refresh_token })).status).toBe(204);
    expect((await refresh()).status).toBe(422);
    expect((await revoke({ token: refresh_token })).status).toBe(204);
    expect((await revoke({ token: 'never-heard-of' })).status).toBe(204);
    expect(sandbox.stats).toMatchObject({ revokeRequests: 4, tokensRevoked: 2 });
  });

  test('refuses what it cannot follow, and the token lives on', async () => {
    const sandbox = await startSandbox();
    const { access_token: token } = await mint(sandbox);
    const revoke = (body: object, headers = {}) => send(sandbox, 'POST', '/oauth2/revoke', { body, headers });

    const hint = await revoke({ token, token_type_hint: 'id_token' });
    expect(hint.status).toBe(422);
    expect(await hint.json()).toEqual({ token_type_hint: expect.any(String) });
    const missing = await revoke({});
    expect(missing.status).toBe(400);
    expect(await missing.json()).toEqual({ error: expect.stringContaining('token') });
    const wrong = await revoke({ token, client_id: 'wrong', client_secret: 'wrong' }, { authorization: '' });
    expect(wrong.status).toBe(401);
    expect(await wrong.text()).toBe('');
    expect(await ping(sandbox, token)).toBe(200);
  });
});

describe('the end of tokens', () => {
  test('expireTokens ends access tokens, and their refresh tokens still work', async () => {
    const sandbox = await startSandbox();
    const { access_token, refresh_token } = await mint(sandbox);
    expect(await ping(sandbox, access_token)).toBe(200);
    sandbox.expireTokens();
    expect(await ping(sandbox, access_token)).toBe(401);
    const response = await requestToken(sandbox, { grant_type: 'refresh_token', refresh_token });
    expect(await ping(sandbox, (await readJson<Minted>(response)).access_token)).toBe(200);
  });

  test('revokeTokens ends access and refresh tokens, and new ones can be had', async () => {
    const sandbox = await startSandbox();
    const { access_token, refresh_token } = await mint(sandbox);
    sandbox.revokeTokens();
    expect(await ping(sandbox, access_token)).toBe(401);
    expect((await requestToken(sandbox, { grant_type: 'refresh_token', refresh_token })).status).toBe(422);
    expect(await ping(sandbox, (await mint(sandbox)).access_token)).toBe(200);
  });

  test('a token ends by itself when its life is over, and not before', async ({ onTestFinished }) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    vi.setSystemTime(1_800_000_000_900);
    const sandbox = await startSandbox({ tokenLifeSeconds: 10 });
    const { access_token, expires_in } = await mint(sandbox);
    expect(expires_in).toBe(1_800_000_010);
    vi.setSystemTime(1_800_000_010_899);
    expect(await ping(sandbox, access_token)).toBe(200);
    vi.setSystemTime(1_800_000_010_900);
    expect(await ping(sandbox, access_token)).toBe(401);
  });
});
