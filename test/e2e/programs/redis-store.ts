// Shares its token through Redis and is done: it ends its client and closes nothing else. With WAIT_FOR_END, once its
// Redis is gone.
import { createClient } from 'redis';
import { moovAuth } from '../../../src/index.js';
import { redisTokenStore } from '../../../src/redis/index.js';

const client = createClient({ url: process.env.REDIS_URL ?? '' });
client.on('error', () => undefined);
await client.connect();
const moov = moovAuth('/ping.read', { store: redisTokenStore({ client }) });
await moov.ready();
const { status } = await moov.client.get('/ping');
console.log(`ready, ping ${status}`);
if (process.env.WAIT_FOR_END) await new Promise((resolve) => client.once('reconnecting', resolve));
client.destroy();
