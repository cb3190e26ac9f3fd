// `npm start`: a server that runs until it is stopped. With an API key in the environment it talks to Moov, otherwise
// to
// its own sandbox. PORT chooses its port (3000), ADMIN_KEY lets callers revoke.
import express from 'express';
import { moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
import { createMoovSandbox } from 'express-moov-auth/sandbox';
import { listen } from './listen.js';
import { requireAdmin } from './require-admin.js';

const hasKey = Boolean(process.env.MOOV_CLIENT_ID || process.env.MOOV_PUBLIC_KEY);
const sandbox = hasKey ? undefined : createMoovSandbox();
await sandbox?.listen();

const moov = moovAuth(['/accounts.read', '/accounts.write'], { ...sandbox?.options, logger: console });
const app = express();
app.use(express.json(), moov);

app.get('/', (_req, res) => {
  res.json({
    moov: sandbox ? `sandbox at ${sandbox.url}` : 'from the environment',
    routes: {
      'GET /accounts/:id': 'an account at Moov',
      'POST /accounts': 'creates one from {"firstName", "lastName"}',
      'GET /health': 'the state of the token',
      'POST /oauth/revoke': 'gives the token back; needs "Authorization: Bearer <ADMIN_KEY>"',
    },
    ...(sandbox ? { tryThis: `/accounts/${sandbox.platformAccountID}` } : {}),
  });
});

app.get('/accounts/:id', async (req, res) => {
  const { data } = await req.moov.get(moovPath`/accounts/${req.params.id}`);
  res.json(data);
});

app.post('/accounts', async (req, res) => {
  // Field by field: this server decides what a caller may write to Moov.
  const { firstName, lastName } = req.body ?? {};
  const profile = { individual: { name: { firstName, lastName } } };
  const { data } = await req.moov.post('/accounts', { accountType: 'individual', profile });
  res.status(201).json(data);
});

app.get('/health', (_req, res) => {
  const status = moov.status();
  // "starting" is healthy: after a revocation it lasts until the next call, which would never arrive if a load balancer
  // removed the server.
  res.status(status.state === 'failed' || status.state === 'closed' ? 503 : 200).json(status);
});

app.use('/oauth', moov.revokeRouter({ guard: requireAdmin }));
app.use(moovErrorHandler());

// Only to report: the server may start without a token, and requests one as soon as it can.
moov.ready().catch((error: Error) => console.error(error.message));

const server = await listen(app, Number(process.env.PORT ?? 3000));
console.log(`Listening on ${server.url}
${sandbox ? `No MOOV_CLIENT_ID is set, so Moov is played by the sandbox at ${sandbox.url}.` : 'Moov is the one of the MOOV_* variables.'}
Ctrl+C stops it.`);

async function stop(): Promise<void> {
  await server.close();
  // After the last request, because requests need the token.
  await moov.close({ revoke: true });
  await sandbox?.close();
  const { pendingRevocations } = moov.status();
  console.log(
    pendingRevocations === 0
      ? 'Stopped; no token is left at Moov.'
      : 'Stopped; Moov did not confirm that the token is revoked.',
  );
}

// `on`, because Ctrl+C under npm arrives twice: from the terminal and from npm. The second one must not interrupt this.
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    stop();
  });
}
