import { AsyncResource } from 'node:async_hooks';
import express from 'express';
import supertest from 'supertest';
import { afterAll, describe, expect, it } from 'vitest';
import { MoovAuthError, moovErrorHandler } from '../../src/index.js';
import { RenewalFailure } from '../../src/tokens/renewal-failure.js';
import { fromMoov, Token } from '../../src/tokens/token.js';
import { TokenSource } from '../../src/tokens/token-source.js';
import { Timers } from '../../src/utils/timers.js';
import { heldClock } from '../helpers/fast-clock.js';
import { transports } from '../helpers/transports.js';
import { Inspector, newFigures } from './inspector.js';
import { newSecret } from './servers.js';
import { outcome, start, watched } from './start.js';
import { echoes, failures, oneOfEach } from './token-faults.js';
import { above, causes, expectTyped, tokenFaults } from './token-outcomes.js';

const figures = newFigures();
afterAll(() => {
  console.log('secrets in tokens:', figures);
});

describe.each(transports)('no secret can be seen, on %s,', (_name, transport) => {
  const limits = { tokenTimeoutMs: 500 };
  const retried = /SERVER_ERROR|RATE_LIMITED|NETWORK|TIMEOUT/;

  describe.each(['basic', 'body'] as const)('with the key in the %s,', (clientAuth) => {
    const faults = above(clientAuth === 'basic' ? tokenFaults : echoes);
    it.each(faults)('when the first token request gets: $name', async (fault) => {
      const started = await start({ ...transport, ...limits, clientAuth }, (fake) => {
        fake.token = fault.answer(fake);
      });
      const { moov, secrets, everything } = started;
      const inspector = new Inspector(figures, secrets);
      const starting = everything();
      const ready = watched(moov.ready());
      const { error } = await outcome(ready);
      expectTyped(error, fault);
      const call = watched(moov.client.get('/accounts'));
      const { error: ofCall } = await outcome(call);
      expectTyped(ofCall, fault);
      const token = watched(moov.accessToken());
      const { error: ofToken } = await outcome(token);
      await inspector.expectNone(
        {
          ...prefixed('before, ', starting),
          ready,
          call,
          token,
          ...prefixed('ready(): ', causes(error)),
          ...prefixed('call: ', causes(ofCall)),
          ...prefixed('accessToken(): ', causes(ofToken)),
        },
        everything(),
      );
    });

    // What is retried takes seconds here; MoovOAuthClient, below, has all of them.
    const revocationFaults = above(clientAuth === 'basic' ? [...failures, ...echoes] : echoes).filter(
      ({ name, code }) => !retried.test(code) || name === '500 with all it was sent',
    );
    it.each(revocationFaults)('when a revocation gets: $name', async (fault) => {
      const { fake, moov, secrets, everything } = await start({ ...transport, clientAuth });
      const inspector = new Inspector(figures, secrets);
      await moov.ready();
      fake.revoke = fault.answer(fake);
      const revoked = watched(moov.revoke());
      const { error } = await outcome(revoked);
      expect(error).toBeInstanceOf(MoovAuthError);
      expect(moov.status().pendingRevocations).toBeGreaterThan(0);
      await inspector.expectNone({ revoked, ...causes(error) }, everything());
    });
  });

  it.each(above(tokenFaults))('when a renewal, with a refresh token, gets: $name', async (fault) => {
    const { fake, moov, secrets, everything } = await start({ ...transport, ...limits });
    const inspector = new Inspector(figures, secrets);
    await moov.ready();
    fake.token = fault.answer(fake);
    const renewed = watched(moov.renew());
    const { error } = await outcome(renewed);
    expectTyped(error, fault);
    await inspector.expectNone({ renewed, ...causes(error) }, everything());
    // The token that is held serves on.
    const response = await moov.client.get('/accounts');
    await inspector.expectNone({ response });
  });

  it.each(above(failures))('when a replay after 401 needs a token and gets: $name', async (fault) => {
    const { fake, moov, secrets, everything } = await start({ ...transport, ...limits });
    const inspector = new Inspector(figures, secrets);
    await moov.ready();
    fake.token = fault.answer(fake);
    fake.api = (_request, response) => response.writeHead(401).end();
    const call = watched(moov.client.get('/accounts'));
    const { error } = await outcome(call);
    expect(error).toBeInstanceOf(Error);
    await inspector.expectNone({ call, ...causes(error) }, everything());
  });

  it('when all goes well: ready, calls, renewal, revocation, end', async () => {
    const pass = heldClock();
    const { fake, moov, secrets, everything, parts } = await start(transport);
    const inspector = new Inspector(figures, secrets);
    await inspector
      .expectNone({ 'while the token is on its way': moov }, everything())
      .catch((error: Error) => {
        // Nothing may have been issued yet; the key is to be searched for all the same.
        throw error;
      });
    const ready = moov.ready();
    await ready;
    await inspector.expectNone({ ready }, everything());
    const response = await moov.client.get('/accounts');
    const renewed = moov.renew();
    await renewed;
    await inspector.expectNone({ response, renewed, ...parts() }, everything());
    pass(1_000);
    const revoked = moov.revoke();
    await revoked;
    await moov.client.get('/accounts');
    const closed = moov.close({ revoke: true });
    await inspector.expectNone({ revoked, closed }, everything());
    await closed;
    const { error } = await outcome(moov.client.get('/accounts'));
    await inspector.expectNone({ closed, ...causes(error) }, everything());
    expect(fake.issued.length).toBeGreaterThanOrEqual(6);
  });

  it('in the responses of the revoke route, whatever Moov says', async () => {
    const { fake, moov, secrets } = await start(transport);
    const inspector = new Inspector(figures, secrets);
    await moov.ready();
    const app = express();
    const router = moov.revokeRouter({ guard: (_req, _res, next) => next() });
    app.use('/oauth', router, moovErrorHandler());
    const held = fake.issued[0]?.value;
    // Those that are retried take seconds; one is enough.
    const answers = oneOfEach(echoes).filter(
      ({ name, code }) => !retried.test(code) || name === '500 with all it was sent',
    );
    for (const fault of answers) {
      fake.revoke = fault.answer(fake);
      const { status, text, headers } = await supertest(app).post('/oauth/revoke').send({ token: held });
      expect(status).toBeGreaterThanOrEqual(400);
      await inspector.expectNone({ text, headers });
    }
    await inspector.expectNone({ router });
  });

  it('in anything that an Express application can see of a request', async () => {
    const { moov, secrets } = await start(transport);
    const inspector = new Inspector(figures, secrets);
    await moov.ready();
    const app = express();
    app.use(moov);
    app.get('/', async (req, res) => {
      const response = await req.moov.get('/accounts');
      const { moov: client } = req;
      await inspector.expectNone({ 'req.moov': client, defaults: client.defaults, response });
      res.json({ data: response.data, status: moov.status() });
    });
    const { status, text } = await supertest(app).get('/');
    expect(status).toBe(200);
    await inspector.expectNone({ text });
  });
});

/** Numbers tokens from 1. */
function counter(): () => number {
  let count = 0;
  return () => ++count;
}

describe('no secret can be seen of', () => {
  it('a TokenSource, its tokens and promises', async () => {
    const value = newSecret();
    const refresh = newSecret();
    const inspector = new Inspector(figures, () => [
      { name: 'access token', value },
      { name: 'refresh token', value: refresh },
    ]);
    const reply = {
      accessToken: value,
      refreshToken: refresh,
      tokenType: 'Bearer',
      lifetimeMs: 60_000,
      expiresAt: new Date(Date.now() + 60_000),
      status: 200,
    };
    let arrive: () => void = () => undefined;
    const onItsWay = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const source = new TokenSource({
      obtain: async () => {
        await onItsWay;
        return fromMoov(reply, performance.now());
      },
      scope: '/ping.read',
      emit: () => undefined,
      revoke: () => undefined,
      retire: () => undefined,
      nextGeneration: counter(),
      outside: new AsyncResource('test'),
      timers: new Timers(),
      autoRenew: true,
    });
    const [ready, taken, renewed] = [source.ready(), source.get(), source.renew()];
    await inspector.expectNone({ source, ready, taken, renewed });
    arrive();
    await Promise.all([ready, taken, renewed]);
    const token = source.get();
    expect(token).toBeInstanceOf(Token);
    await inspector.expectNone({ source, ready, taken, renewed, token, replaced: source.tokenAfter401(0) });
    const surrendered = source.invalidate();
    await inspector.expectNone({ source, surrendered });
    source.close();
    await inspector.expectNone({ source, failure: new RenewalFailure(new Error('x'), undefined) });
  });
});

function prefixed(prefix: string, parts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parts).map(([name, value]) => [`${prefix}${name}`, value]));
}
