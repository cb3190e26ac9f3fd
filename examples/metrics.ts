// Events as Prometheus metrics, and a health route. GET /metrics, GET /health.
import express from 'express';
import { type MoovAuthEvent, moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { listen } from './listen.js';

const registry = new Registry();
const registers = [registry];
const events = new Counter({
  name: 'moov_events_total',
  help: 'Events by type, and by reason where there is one',
  labelNames: ['type', 'reason'],
  registers,
});
const mints = new Histogram({
  name: 'moov_token_seconds',
  help: 'How long it took to obtain a token',
  buckets: [0.05, 0.1, 0.5, 1, 5, 10],
  registers,
});
const pending = new Gauge({
  name: 'moov_pending_revocations',
  help: 'Tokens that are out of service and not confirmed to be revoked',
  registers,
});

/** Paths are not labels: they contain IDs, and each value of a label is a separate time series. */
function measure(event: MoovAuthEvent): void {
  const reason = 'reason' in event ? event.reason : 'code' in event ? event.code : '';
  events.inc({ type: event.type, reason });
  if (event.type === 'token.obtained' || event.type === 'token.renewed')
    mints.observe(event.durationMs / 1000);
  if ('pendingRevocations' in event) pending.set(event.pendingRevocations);
}

const moov = moovAuth(['/accounts.read', '/accounts.write'], { onEvent: measure });
const app = express().use(moov);

app.get('/accounts/:id', async (req, res) => {
  res.json((await req.moov.get(moovPath`/accounts/${req.params.id}`)).data);
});
app.get('/metrics', async (_req, res) => {
  res.type('text/plain').send(await registry.metrics());
});
app.get('/health', (_req, res) => {
  const { state, expiresAt, lastError } = moov.status();
  // `starting` is healthy: after a revocation, the next call requests a token, so the server must keep receiving calls.
  res.status(state === 'failed' || state === 'closed' ? 503 : 200).json({ state, expiresAt, lastError });
});
app.use(moovErrorHandler());

await moov.ready();
const server = await listen(app, Number(process.env.PORT ?? 3000));
console.log(`Listening on ${server.url}`);
process.once('SIGTERM', async () => {
  await server.close();
  await moov.close({ revoke: true });
});
