import { describe, expect, it, onTestFinished } from 'vitest';
import { MoovUnavailableError, moovAuth } from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { serve } from '../helpers/http-server.js';
import { startMoov } from '../helpers/moov.js';
import { KEY, ORIGIN, tokenReply } from '../oauth/helpers.js';

const token = '/oauth2/token';

describe('a refresh token', () => {
  it('is not replaced by the key during an outage of Moov', async () => {
    fastClock();
    const server = await serve([tokenReply(), { status: 500 }]);
    const moov = moovAuth('/ping.read', {
      ...KEY,
      origin: ORIGIN,
      baseURL: server.url,
      renewWith: 'refresh_token',
      tokenTimeoutMs: 3_000,
    });
    onTestFinished(() => moov.close());
    await moov.ready();
    await expect(moov.renew()).rejects.toThrow(MoovUnavailableError);
    const [first, ...renewals] = server.requests.map(({ form }) => form.grant_type);
    expect(first).toBe('client_credentials');
    expect([...new Set(renewals)]).toEqual(['refresh_token']);
  });
});

describe('a token request that gets 429', () => {
  it('without Retry-After is followed by another after a second', async () => {
    fastClock();
    const { sandbox, moov } = await startMoov({ tokenTimeoutMs: 5_000 });
    await moov.ready();
    sandbox.fail({ path: token, status: 429 });
    const before = performance.now();
    await moov.renew();
    expect(performance.now() - before).toBeGreaterThan(900);
    expect(sandbox.stats.tokenRequests).toBe(3);
  });
});
