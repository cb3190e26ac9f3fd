import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isMoovCallError, type MoovAuthEvent, MoovConfigError, moovAuth } from '../src/index.js';
import { fastClock } from './helpers/fast-clock.js';
import { failure, startMoov, startSandbox, until } from './helpers/moov.js';

describe('moovAuth(scopes)', () => {
  it('asks for a token at once, before anybody waits for it', async () => {
    const { sandbox } = await startMoov();
    await until(() => sandbox.stats.tokensMinted === 1, 'a token was minted');
  });

  it('takes scopes as a list, or as one string in which spaces divide them', async () => {
    const sandbox = await startSandbox();
    for (const scopes of [['/ping.read', '/accounts.read'], ' /accounts.read  /ping.read ']) {
      const moov = moovAuth(scopes, sandbox.options);
      onTestFinished(() => moov.close());
      expect((await moov.client.get('/ping')).status).toBe(200);
      expect((await moov.client.get('/accounts')).status).toBe(200);
    }
  });

  it.each([
    ['no scopes', [], {}, /at least one scope/],
    ['a scope with a space inside', ['/a.read /b.read'], {}, /scopes\[0\]/],
    ['a scope with a control character', ['/a.read\n'], {}, /scopes\[0\]/],
    [
      'an empty secret',
      '/ping.read',
      { clientSecret: '' },
      /clientSecret.*MOOV_CLIENT_SECRET or MOOV_SECRET_KEY/,
    ],
    [
      'an http base URL off loopback',
      '/ping.read',
      { baseURL: 'http://api.example.com' },
      /baseURL.*MOOV_BASE_URL/,
    ],
    ['an origin with a path', '/ping.read', { origin: 'https://app.example.com/x' }, /origin.*MOOV_ORIGIN/],
    ['an unknown API version', '/ping.read', { apiVersion: '2024' }, /apiVersion.*MOOV_API_VERSION/],
    ['a negative time-out', '/ping.read', { timeoutMs: -1 }, /timeoutMs.*milliseconds/],
  ])('refuses %s at the call, and names it', async (_what, scopes, options, message) => {
    const sandbox = await startSandbox();
    expect(() => moovAuth(scopes, { ...sandbox.options, ...options })).toThrow(MoovConfigError);
    expect(() => moovAuth(scopes, { ...sandbox.options, ...options })).toThrow(message);
    expect(sandbox.stats.tokenRequests).toBe(0);
  });

  it('shows no secret of its own', async () => {
    const { sandbox, moov } = await startMoov();
    const token = await moov.accessToken();
    const shown = inspect(moov, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true });
    expect(shown).not.toContain(token);
    expect(shown).not.toContain(sandbox.credentials.clientSecret);
  });
});

describe('status()', () => {
  it('goes from starting to ready, degraded, failed and closed', async () => {
    const sandbox = await startSandbox({ tokenLifeSeconds: 2, expiresIn: 'seconds' });
    sandbox.fail({ path: '/oauth2/token', delayMs: 50 });
    const moov = moovAuth('/ping.read', { ...sandbox.options, tokenTimeoutMs: 1_000 });
    expect(moov.status()).toEqual({ state: 'starting', tokens: 0, pendingRevocations: 0 });
    await moov.ready();
    expect(moov.status()).toMatchObject({ state: 'ready', tokens: 1, expiresAt: expect.any(Date) });
    sandbox.fail({ path: '/oauth2/token', status: 500, times: Number.POSITIVE_INFINITY });
    await failure(moov.renew());
    expect(moov.status()).toMatchObject({
      state: 'degraded',
      tokens: 1,
      lastError: { code: 'ERR_MOOV_SERVER_ERROR', at: expect.any(Date) },
    });
    await until(() => moov.status().state === 'failed', 'the token has ended');
    expect(moov.status().tokens).toBe(0);
    await moov.close();
    expect(moov.status()).toMatchObject({ state: 'closed', tokens: 0 });
  });
});

describe('events and log lines', () => {
  it('report the life of a token and calls, without a secret', async () => {
    const lines: [string, object, string][] = [];
    const line = (level: string) => (message: string, fields: object) => lines.push([level, fields, message]);
    const logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
    const { sandbox, moov, events } = await startMoov({ logger });
    await moov.client.get('/ping');
    const token = await moov.accessToken();
    sandbox.revokeTokens();
    sandbox.fail({ path: '/accounts', status: 503 });
    await moov.client.get('/accounts');
    await moov.revoke();
    sandbox.fail({ path: '/oauth2/token', status: 400 });
    await failure(moov.client.get('/ping'));
    expect(events.map(({ type }) => type)).toEqual([
      'token.obtained',
      'call.retried',
      'call.unauthorized',
      'token.renewed',
      'call.replayed',
      'token.revoked',
      'token.failed',
    ]);
    expect(lines.map(([level, fields, message]) => [level, Object(fields).type, message])).toEqual([
      ['info', 'token.obtained', 'moov: token.obtained'],
      ['debug', 'call.retried', 'moov: call.retried'],
      ['info', 'call.unauthorized', 'moov: call.unauthorized'],
      ['debug', 'token.renewed', 'moov: token.renewed'],
      ['debug', 'call.replayed', 'moov: call.replayed'],
      ['info', 'token.revoked', 'moov: token.revoked'],
      ['error', 'token.failed', expect.stringMatching(/^moov: token\.failed: Moov refused/)],
    ]);
    expect(inspect([events, lines], { depth: 9 })).not.toContain(token);
  });

  it('are harmless when a listener or a logger throws', async () => {
    const broken = () => {
      throw new Error('listener');
    };
    const { moov } = await startMoov({
      onEvent: broken,
      logger: { debug: broken, info: broken, warn: broken, error: broken },
    });
    expect((await moov.client.get('/ping')).status).toBe(200);
    await moov.revoke();
  });

  it('warn once of an Origin that the key is not registered for, and of another platform account', async () => {
    const events: MoovAuthEvent[] = [];
    const sandbox = await startSandbox();
    const moov = moovAuth('/ping.read', {
      ...sandbox.options,
      origin: 'https://elsewhere.example.com',
      platformAccountID: '00000000-0000-4000-8000-00000000000f',
      onEvent: (event) => events.push(event),
    });
    onTestFinished(() => moov.close());
    await moov.ready();
    await moov.renew();
    const warnings = events.flatMap((event) => (event.type === 'token.warning' ? [event.message] : []));
    expect(warnings).toEqual([
      expect.stringMatching(/MOOV_ORIGIN.*elsewhere.*app\.example\.com.*401/),
      expect.stringMatching(new RegExp(`MOOV_ACCOUNT_ID.*${sandbox.platformAccountID}.*403`)),
    ]);
  });

  it('do not warn when all is well, or when the token cannot be read', async () => {
    for (const opaqueTokens of [false, true]) {
      const sandbox = await startSandbox({ opaqueTokens });
      const events: MoovAuthEvent[] = [];
      const { platformAccountID } = sandbox;
      const moov = moovAuth('/ping.read', {
        ...sandbox.options,
        platformAccountID,
        onEvent: (e) => events.push(e),
      });
      await moov.ready();
      await moov.close();
      expect(events.map(({ type }) => type)).toEqual(['token.obtained']);
    }
  });
});

describe('close()', () => {
  it('revokes the cached tokens, and later calls reject with a typed error', async () => {
    const { sandbox, moov } = await startMoov();
    await moov.ready();
    await moov.close({ revoke: true });
    await moov.close({ revoke: true });
    expect(sandbox.stats).toMatchObject({ revokeRequests: 2, tokensRevoked: 2 });
    const error = await failure(moov.client.get('/ping'));
    expect(error).toMatchObject({
      code: 'ERR_MOOV_CLOSED',
      status: 503,
      moov: { attempts: 0, ambiguous: false },
    });
    expect(isMoovCallError(error)).toBe(true);
    await expect(moov.ready()).rejects.toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    await expect(moov.accessToken()).rejects.toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    await expect(moov.renew()).rejects.toMatchObject({ code: 'ERR_MOOV_CLOSED' });
  });

  it('does not hang when Moov hangs, and reports what is still pending', { timeout: 15_000 }, async () => {
    fastClock();
    const { sandbox, moov, events } = await startMoov();
    await moov.ready();
    sandbox.fail({ path: '/oauth2/revoke', delayMs: 60_000, times: Number.POSITIVE_INFINITY });
    const began = performance.now();
    await moov.close({ revoke: true });
    expect(performance.now() - began).toBeLessThan(7_000);
    expect(moov.status()).toMatchObject({ state: 'closed', pendingRevocations: 2 });
    expect(events.at(-1)).toMatchObject({ type: 'token.revokeFailed', pendingRevocations: 2 });
  });

  it('with revoke also revokes the token of a renewal in flight', async () => {
    fastClock();
    const { sandbox, moov } = await startMoov();
    await moov.ready();
    sandbox.fail({ path: '/oauth2/token', delayMs: 1_500 });
    const renewed = failure(moov.renew());
    await until(() => sandbox.stats.tokenRequests === 2, 'the renewal has begun');
    await moov.close({ revoke: true });
    expect(await renewed).toMatchObject({ code: 'ERR_MOOV_CLOSED' });
    expect(sandbox.stats).toMatchObject({ tokensMinted: 2, tokensRevoked: 4 });
  });

  it('ends a renewal in flight and the calls that wait for it', async () => {
    const { sandbox, moov } = await startMoov();
    sandbox.fail({ path: '/oauth2/token', delayMs: 60_000 });
    const call = failure(moov.client.get('/ping'));
    await until(() => sandbox.stats.tokenRequests === 1, 'the token request is on its way');
    await moov.close();
    expect(await call).toMatchObject({ code: 'ERR_MOOV_CLOSED' });
  });
});
