import { afterAll, describe, expect, it } from 'vitest';
import { memoryTokenStore } from '../../src/index.js';
import { redisTokenStore } from '../../src/redis/index.js';
import { failure, until } from '../helpers/moov.js';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';
import { clientThat } from '../helpers/redis-clients.js';
import { Inspector, newFigures } from './inspector.js';
import { newSecret } from './servers.js';
import { start, watched } from './start.js';

const figures = newFigures();
afterAll(() => {
  console.log('secrets in stores:', figures);
});

const key = { text: newSecret().slice(0, 32) };
const encryptionKey = Buffer.from(key.text);
const ofKey = { name: 'encryption key', value: key.text };

describe('no secret can be seen of', () => {
  it('a memory store with tokens, and its notifications', async () => {
    const store = memoryTokenStore();
    const changes: unknown[] = [];
    const { moov, secrets, everything } = await start({ store });
    const unwatch = store.watch((change) => changes.push(change));
    await moov.renew();
    const inspector = new Inspector(figures, secrets);
    await inspector.expectNone({ store, changes, unwatch }, everything());
    await moov.revoke();
    expect(changes.length).toBeGreaterThan(0);
    await inspector.expectNone({ store, changes }, everything());
  });

  it.skipIf(redisIsMissing)(
    'a Redis store, its client, and events when Redis holds them, is gone and is back',
    async () => {
      const redis = await RedisServer.start();
      const client = await redis.client();
      const store = redisTokenStore({ client, encryptionKey });
      const changes: unknown[] = [];
      const { moov, secrets, everything, events } = await start({ store });
      const inspector = new Inspector(figures, () => [ofKey, ...secrets()]);
      store.watch((change) => changes.push(change));
      const told = (type: string) => events.some((event) => event.type === type);
      await moov.renew();
      await inspector.expectNone({ store, changes, renewing: watched(moov.renew()) }, everything());
      await redis.kill();
      await moov.renew();
      await until(() => told('store.unavailable'), 'it is told');
      await inspector.expectNone({ store, events }, everything());
      await redis.begin();
      const end = performance.now() + 15_000;
      while (!told('store.available') && performance.now() < end) await moov.renew();
      expect(told('store.available')).toBe(true);
      await moov.revoke();
      await inspector.expectNone({ store, changes, events }, everything());
    },
  );

  it('a Redis store whose client repeats its commands in errors', async () => {
    const client = clientThat((args) => Promise.reject(new Error(`ERR wrong: ${args.join(' ')}`)));
    const store = redisTokenStore({ client, encryptionKey });
    const { moov, secrets, everything, events } = await start({ store });
    const unanswered = await failure(moov.revoke());
    await moov.renew();
    expect(events.map(({ type }) => type)).toContain('store.unavailable');
    await new Inspector(figures, () => [ofKey, ...secrets()]).expectNone(
      { store, events, unanswered },
      everything(),
    );
  });

  it('a store that repeats tokens in its errors', async () => {
    const store = {
      ...memoryTokenStore(),
      put: async (_lock: unknown, token: unknown) => {
        throw new Error(`can't put ${JSON.stringify(token)}`);
      },
    };
    const { moov, secrets, everything, events } = await start({ store });
    await moov.renew();
    expect(events.map(({ type }) => type)).toContain('store.unavailable');
    await new Inspector(figures, secrets).expectNone({ store, events }, everything());
  });
});
