import { describe } from 'vitest';
import { redisTokenStore } from '../../src/redis/index.js';
import { rows } from '../helpers/full.js';
import { redisIsMissing } from '../helpers/programs.js';
import { RedisServer } from '../helpers/redis.js';
import { tokenStoreContract } from './contract.js';

const encryptionKey = Buffer.alloc(32, 7);

describe.skipIf(redisIsMissing).each(rows([3, 2] as const))('RESP%s', (RESP) => {
  tokenStoreContract(`in Redis, over RESP${RESP}`, async (lockTtlMs) => {
    const server = await RedisServer.start();
    const clients = await Promise.all([server.client({ RESP }), server.client({ RESP })]);
    const [one, other] = clients.map((client) => redisTokenStore({ client, encryptionKey, lockTtlMs }));
    if (one === undefined || other === undefined) throw new Error('two clients make two stores');
    return [one, other];
  });
});
