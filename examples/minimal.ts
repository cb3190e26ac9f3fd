// The smallest useful server. It reads MOOV_CLIENT_ID, MOOV_CLIENT_SECRET and MOOV_ORIGIN. Without an API key,
// `npm run sandbox` prints values for them.
import type { AddressInfo } from 'node:net';
import express from 'express';
import { moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
import { requireAdmin } from './require-admin.js';

const moov = moovAuth(['/accounts.read', '/accounts.write']);
const app = express();
app.use(moov); // the first token request is already in flight

app.get('/accounts/:id', async (req, res) => {
  const { data } = await req.moov.get(moovPath`/accounts/${req.params.id}`);
  res.json(data);
});

app.use('/oauth', moov.revokeRouter({ guard: requireAdmin })); // POST /oauth/revoke
app.use(moovErrorHandler()); // after the routes

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
