import { expect, it } from 'vitest';
import { fastClock } from '../helpers/fast-clock.js';
import { failure, startMoov } from '../helpers/moov.js';
import { startPool } from './pool.js';

it('revoke() waits for a Moov that is slow to revoke', async () => {
  fastClock();
  const { sandbox, moov } = await startMoov();
  await moov.ready();
  sandbox.fail({ path: '/oauth2/revoke', delayMs: 1_200 });
  await moov.revoke();
  expect(sandbox.stats).toMatchObject({ revokeRequests: 2, tokensRevoked: 2 });
});

it('revoke() tries every token, also if one is refused', async () => {
  const { sandbox, moov } = await startPool(30);
  sandbox.fail({ path: '/oauth2/revoke', status: 400, body: { error: 'unsupported_token_type' } });
  await moov.revoke().catch(() => undefined);
  expect(sandbox.stats).toMatchObject({ revokeRequests: 60, tokensRevoked: 59 });
  expect(moov.status().pendingRevocations).toBe(1);
});

it('revoke() stops early while Moov is down; all tokens stay pending, and are revoked when it is back', async () => {
  const { sandbox, moov } = await startPool(40);
  const headers = { 'retry-after': '60' };
  sandbox.fail({ path: '/oauth2/revoke', status: 503, headers, times: 10 });
  expect(await failure(moov.revoke())).toMatchObject({ code: 'ERR_MOOV_SERVER_ERROR' });
  // One request for each of the ten at once: neither an access token of theirs nor the next would have fared better.
  expect(sandbox.stats).toMatchObject({ revokeRequests: 10, tokensRevoked: 0 });
  expect(moov.status()).toMatchObject({ tokens: 0, pendingRevocations: 80 });
  await moov.revoke();
  expect(sandbox.stats.tokensRevoked).toBe(80);
  expect(moov.status().pendingRevocations).toBe(0);
});
