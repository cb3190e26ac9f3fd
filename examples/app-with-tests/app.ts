import express, { type Express, type Request, type RequestHandler } from 'express';
import { idempotencyKey, type MoovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';

/** What the shop's server may do at Moov. `{accountID}` is a customer's, `{platformAccountID}` the shop's own. */
export const scopes = [
  '/accounts.read',
  '/accounts.write',
  '/accounts/{platformAccountID}/payment-methods.read',
  '/accounts/{platformAccountID}/transfers.read',
  '/accounts/{platformAccountID}/transfers.write',
] as const;

export interface Shop {
  /** Taken rather than made, so that a test can bring one that talks to a sandbox. */
  readonly moov: MoovAuth;
  /** The shop's own account at Moov. */
  readonly platformAccountID: string;
  /** What an order costs, in cents; `undefined` for one that does not exist. */
  priceOf(order: string): number | undefined;
  /** The Moov account of the customer who is signed in. */
  customerOf(req: Request): string | undefined;
  /** Lets the shop's staff pass, and nobody else. */
  readonly requireStaff: RequestHandler;
}

interface Transfer {
  transferID: string;
  status: string;
  amount: { value: number };
}

export function createApp({ moov, platformAccountID, priceOf, customerOf, requireStaff }: Shop): Express {
  const app = express();
  app.use(express.json(), moov);
  const transfers = moovPath`/accounts/${platformAccountID}/transfers`;

  const requireCustomer: RequestHandler = (req, res, next) => {
    if (customerOf(req) === undefined) res.sendStatus(401);
    else next();
  };

  // Onboarding: a customer is an account at Moov.
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

  // POST /moov/token: with it the customer's browser links a card, whose number never comes to this server.
  app.use(
    '/moov',
    moov.browserTokenRouter({
      guard: requireCustomer,
      scopes: (req) => `/accounts/${customerOf(req)}/cards.write`,
    }),
  );

  // Checkout: from the customer's card to the shop's wallet.
  app.post('/orders/:id/pay', requireCustomer, async (req, res) => {
    const order = String(req.params.id);
    const value = priceOf(order);
    const source = await methodOf(String(customerOf(req)), 'card-payment');
    const destination = await methodOf(platformAccountID, 'moov-wallet');
    if (value === undefined || source === undefined) {
      res.status(409).json({ error: value === undefined ? 'no such order' : 'no card' });
      return;
    }
    const amount = { currency: 'USD', value };
    const { data } = await req.moov.post<Transfer>(
      transfers,
      { amount, source, destination, foreignID: order },
      // 409: the order has been paid under this key before, and the body is its transfer.
      { ...keyed('order', order, 'payment'), validateStatus: (status) => status < 300 || status === 409 },
    );
    res.status(data.status === 'failed' ? 402 : 200).json(paymentOf(data));
  });

  app.get('/orders/:id', requireStaff, async (req, res) => {
    const found = await find(String(req.params.id));
    if (found === undefined) res.sendStatus(404);
    else res.json(paymentOf(found));
  });

  app.post('/orders/:id/refund', requireStaff, async (req, res) => {
    const order = String(req.params.id);
    const found = await find(order);
    if (found === undefined) {
      res.sendStatus(404);
      return;
    }
    const path = transfers + moovPath`/${found.transferID}/refunds`;
    await req.moov.post(
      path,
      { amount: found.amount.value },
      { ...keyed('order', order, 'refund'), validateStatus: (status) => status < 300 || status === 409 },
    );
    res.json({ order, refunded: found.amount.value });
  });

  app.use(moovErrorHandler());
  return app;

  /** Moov finds a payment by the order it was made for. */
  async function find(order: string): Promise<Transfer | undefined> {
    const { data } = await moov.client.get<Transfer[]>(transfers, { params: { foreignID: order } });
    return data[0];
  }

  async function methodOf(accountID: string, paymentMethodType: string) {
    const client = moov.clientFor({ scopes: '/accounts/{accountID}/payment-methods.read', accountID });
    const path = moovPath`/accounts/${accountID}/payment-methods`;
    const { data } = await client.get<{ paymentMethodID: string }[]>(path, { params: { paymentMethodType } });
    return data[0] && { paymentMethodID: data[0].paymentMethodID };
  }
}

/** `X-Wait-For`: the response has the card network's answer, such as a decline. */
function keyed(...parts: string[]) {
  return { headers: { 'X-Idempotency-Key': idempotencyKey(...parts), 'X-Wait-For': 'rail-response' } };
}

function paymentOf({ transferID, status }: Transfer) {
  return { payment: transferID, status };
}
