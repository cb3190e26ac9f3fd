import express, { type Express } from 'express';
import { type MoovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';

/** Takes the middleware rather than making it, so that a test can bring one that talks to a sandbox. */
export function createApp(moov: MoovAuth): Express {
  const app = express();
  app.use(express.json(), moov);

  app.post('/customers', async (req, res) => {
    const { firstName, lastName } = req.body ?? {};
    const profile = { individual: { name: { firstName, lastName } } };
    const { data } = await req.moov.post('/accounts', { accountType: 'individual', profile });
    res.status(201).json({ id: data.accountID, name: data.displayName });
  });

  app.get('/customers/:id', async (req, res) => {
    const { data } = await req.moov.get(moovPath`/accounts/${req.params.id}`);
    res.json({ id: data.accountID, name: data.displayName });
  });

  app.use(moovErrorHandler());
  return app;
}
