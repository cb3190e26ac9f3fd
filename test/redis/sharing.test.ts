import { describe, expect, it, onTestFinished } from 'vitest';
import { type MoovAuthEvent, type MoovAuthOptions, moovAuth } from '../../src/index.js';
import { redisTokenStore } from '../../src/redis/index.js';
import { startSandbox } from '../helpers/moov.js';
import { RedisServer, redisIsMissing } from '../helpers/redis.js';

const encryptionKey = Buffer.alloc(32, 7);

describe.skipIf(redisIsMissing)('MoovAuths on one Redis', () => {
  it('make one token request', async () => {
    const [redis, sandbox] = [await RedisServer.start(), await startSandbox()];
    const events: MoovAuthEvent[] = [];
    const start = async (options: MoovAuthOptions = {}) => {
      const client = await redis.client();
      const moov = moovAuth(['/ping.read'], {
        ...sandbox.options,
        store: redisTokenStore({ client, encryptionKey }),
        onEvent: (event) => events.push(event),
        ...options,
      });
      onTestFinished(() => moov.close());
      return moov;
    };
    const fleet = await Promise.all([start(), start(), start(), start()]);
    const replies = await Promise.all(fleet.map((moov) => moov.client.get('/ping')));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(sandbox.stats.tokenRequests).toBe(1);
    expect(events.map(({ type }) => type).sort()).toEqual([
      'token.obtained',
      'token.taken',
      'token.taken',
      'token.taken',
    ]);
  });
});
