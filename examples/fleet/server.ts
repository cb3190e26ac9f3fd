// One server of a fleet: tokens are shared through the Redis at REDIS_URL, encrypted with MOOV_TOKEN_KEY.
import express from 'express';
import { moovAuth, moovErrorHandler } from 'express-moov-auth';
import { redisTokenStore } from 'express-moov-auth/redis';
import { createClient } from 'redis';
import { listen } from '../listen.js';
import { requireAdmin } from '../require-admin.js';

const client = createClient({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' });
// Without a listener, a connection error would end the process. The client reconnects by itself.
client.on('error', (error) => console.error(`Redis: ${error.message || error.code}`));
// Not awaited: the server starts without Redis too.
client.connect().catch(() => undefined);

const moov = moovAuth('/ping.read', {
  store: redisTokenStore({ client }),
  onEvent: ({ type }) => console.log(type),
});

const app = express();
app.use(moov);
app.get('/ping', async (req, res) => {
  const { status } = await req.moov.get('/ping');
  res.json({ moov: status });
});
app.use('/oauth', moov.revokeRouter({ guard: requireAdmin, held: true }));
app.use(moovErrorHandler());

const server = await listen(app, Number(process.env.PORT ?? 0));
console.log(`Listening on ${server.url}`);
process.once('SIGTERM', async () => {
  await server.close();
  // Without { revoke: true }, because the other processes still use the token.
  await moov.close();
  client.destroy();
});
