import { afterAll, describe, expect, it } from 'vitest';
import { MoovOAuthClient } from '../../src/index.js';
import { Inspector, newFigures } from './inspector.js';
import { json, newSecret, startFakeMoov } from './servers.js';
import { outcome, watched } from './start.js';
import { echoes, failures } from './token-faults.js';
import { above, below, causes, expectTyped, tokenFaults } from './token-outcomes.js';

const figures = newFigures();
afterAll(() => {
  console.log('secrets in a MoovOAuthClient:', figures);
});

describe.each(['basic', 'body'] as const)(
  'no secret can be seen of a MoovOAuthClient, with the key in the %s,',
  (clientAuth) => {
    const faults = below(clientAuth === 'basic' ? tokenFaults : echoes);
    it.each(faults)('when createAccessToken gets: $name', async (fault) => {
      const { client, fake, secrets, refreshToken } = await oauthClient(clientAuth);
      fake.token = fault.answer(fake);
      const minted = watched(
        client.createAccessToken(
          { grantType: 'refresh_token', refreshToken },
          { timeoutMs: 500, retries: 1 },
        ),
      );
      const { error } = await outcome(minted);
      expectTyped(error, fault);
      await new Inspector(figures, secrets).expectNone({ client, minted, ...causes(error) });
    });

    it.each(clientAuth === 'basic' ? below([...failures, ...echoes]) : above(echoes))(
      'when revokeAccessToken gets: $name',
      async (fault) => {
        const { client, fake, secrets, refreshToken } = await oauthClient(clientAuth);
        fake.revoke = fault.answer(fake);
        const revoked = watched(
          client.revokeAccessToken({ token: refreshToken }, { timeoutMs: 500, retries: 0 }),
        );
        const { error } = await outcome(revoked);
        expectTyped(error, fault);
        await new Inspector(figures, secrets).expectNone({ client, revoked, ...causes(error) });
      },
    );

    it('when its requests are wrong', async () => {
      const { client, fake, secrets, refreshToken, clientSecret } = await oauthClient(clientAuth);
      const inspector = new Inspector(figures, secrets);
      const wrong: unknown[] = [
        { grantType: 'client_credentials', scope: '', refreshToken },
        { grantType: refreshToken },
        { grantType: 'refresh_token', refreshToken, clientSecret },
        { grantType: 'refresh_token', refreshToken: `${refreshToken}${'x'.repeat(5_000)}` },
        { grantType: 'refresh_token', refreshToken: { refreshToken } },
        { [refreshToken.slice(0, 5)]: refreshToken },
      ];
      for (const request of wrong) {
        const { error } = await outcome(Reflect.apply(client.createAccessToken, client, [request]));
        expect(error).toMatchObject({ code: 'ERR_MOOV_CONFIG' });
        await inspector.expectNone({ client, ...causes(error) });
      }
      expect(fake.arrivals).toEqual([]);
    });
  },
);

it('no secret can be seen of a wrong option that is a secret in the wrong place', async () => {
  const secret = newSecret();
  const inspector = new Inspector(figures, () => [{ name: 'secret', value: secret }]);
  const base = { baseURL: 'http://127.0.0.1:1', clientId: 'id', clientSecret: secret };
  const wrong: Record<string, unknown>[] = [
    { clientSecret: `${secret}\n` },
    { clientSecret: { secret } },
    { origin: secret },
    { baseURL: `https://id:${secret}@example.com` },
    { apiVersion: secret },
    { platformAccountID: secret },
    { timeoutMs: secret },
    { axios: { headers: { Authorization: secret } } },
    { axios: { auth: { username: 'id', password: secret } } },
  ];
  for (const options of wrong) {
    const make = async () => new MoovOAuthClient(Object.assign({ ...base }, options));
    const { error, value } = await outcome(make());
    if (value !== undefined && !('platformAccountID' in options)) throw new Error('expected a refusal');
    await inspector.expectNone({ ...causes(error), value });
  }
});

async function oauthClient(clientAuth: 'basic' | 'body') {
  const fake = await startFakeMoov();
  fake.token = (_request, response) => json(response, 200, fake.issue());
  const clientSecret = newSecret();
  const refreshToken = newSecret();
  const client = new MoovOAuthClient({
    baseURL: fake.url,
    origin: 'https://app.example.com',
    clientId: 'the-public-key',
    clientSecret,
    clientAuth,
  });
  const secrets = () => [
    { name: 'client secret', value: clientSecret },
    { name: 'refresh token of the request', value: refreshToken },
    ...fake.issued,
  ];
  return { client, fake, clientSecret, refreshToken, secrets };
}
