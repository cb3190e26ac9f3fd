import { expect, it } from 'vitest';
import { MoovOAuthClient } from '../../src/index.js';
import { failure, startMoov, startSandbox } from '../helpers/moov.js';

it('a function for clientId may return both halves, which then belong to one key', async () => {
  let calls = 0;
  const sandbox = await startSandbox();
  const { clientId, clientSecret } = sandbox.credentials;
  const { moov } = await startMoov({
    ...sandbox.options,
    clientId: async () => {
      calls++;
      return { clientId, clientSecret };
    },
    clientSecret: undefined,
  });
  await moov.ready();
  expect(calls).toBe(1);
  const client = new MoovOAuthClient({ ...sandbox.options, clientId: () => ({ clientId, clientSecret }) });
  const token = await client.createAccessToken({ grantType: 'client_credentials', scope: '/ping.read' });
  expect(token.tokenType).toBe('Bearer');
});

it('a function that returns only one half is reported by name, without a value', async () => {
  const sandbox = await startSandbox();
  const { moov } = await startMoov({
    ...sandbox.options,
    clientId: () => 'only-the-public-half',
    clientSecret: undefined,
    tokenTimeoutMs: 500,
  });
  const error = await failure(moov.ready());
  expect(error.message).toMatch(/^clientSecret: expected .*; got none\./);
  expect(error.message).not.toContain('only-the-public-half');
});
