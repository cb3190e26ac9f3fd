import { describe, expect, it, onTestFinished } from 'vitest';
import { MoovUnavailableError, moovAuth } from '../../src/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { serve } from '../helpers/http-server.js';
import { startMoov } from '../helpers/moov.js';
import { KEY, ORIGIN, tokenReply } from '../oauth/helpers.js';

const token = '/oauth2/token';

describe('a refresh token', () => {
  it('that meets an outage is not replaced by the key: Moov is the one that is away', async () => {
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

describe('a token request that is answered 429', () => {
  it('without a word on when to come back is followed by another, a second later', async () => {
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
