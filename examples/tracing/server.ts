// Each request as a trace: the server's span, and below it the calls to Moov. A renewal of the token is a separate
// trace, because it serves all requests. Run it with the instrumentation loaded first:
//   node --import tsx --import ./examples/tracing/instrumentation.ts examples/tracing/server.ts
import express from 'express';
import { moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
import { listen } from '../listen.js';

const moov = moovAuth(['/accounts.read']);
const app = express().use(moov);

app.get('/accounts/:id', async (req, res) => {
  res.json((await req.moov.get(moovPath`/accounts/${req.params.id}`)).data);
});
app.use(moovErrorHandler());

const server = await listen(app, Number(process.env.PORT ?? 3000));
console.log(`Listening on ${server.url}`);
process.once('SIGTERM', async () => {
  await server.close();
  await moov.close({ revoke: true });
});
