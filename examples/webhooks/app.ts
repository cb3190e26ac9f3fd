// A shop whose orders settle by webhook: verify, store, answer 200, then ask Moov before anything is done about money.
import express, { type Express } from 'express';
import { idempotencyKey, type MoovAuth, moovErrorHandler, moovPath, moovWebhook } from 'express-moov-auth';
import type { Orders } from './orders.js';

export interface Shop {
  readonly app: Express;
  /** Handles the events that are stored. To be called when the server starts, too, and from time to time. */
  handleEvents(): Promise<void>;
}

export interface ShopOptions {
  readonly moov: MoovAuth;
  readonly orders: Orders;
  readonly platformAccountID: string;
  /** The payment method of the shop's wallet. */
  readonly destination: string;
  /** The webhook's signing secret. Default: `MOOV_WEBHOOK_SECRET`. */
  readonly webhookSecret?: string;
}

export function createShop({
  moov,
  orders,
  platformAccountID,
  destination,
  webhookSecret,
}: ShopOptions): Shop {
  let handling = Promise.resolve();

  const app = express();

  // Before any parser: the middleware reads the body itself, once the signature is verified.
  app.post('/webhooks/moov', moovWebhook({ secret: webhookSecret }), (req, res) => {
    const isNew = orders.storeEvent(req.moovEvent);
    res.sendStatus(200); // Moov waits 5 seconds, so the work comes after the response.
    if (isNew) handleEvents();
  });

  app.use(express.json(), moov);

  app.post('/orders/:id/pay', async (req, res) => {
    const { id } = req.params;
    orders.add(id);
    const transfer = {
      amount: { currency: 'USD', value: 1204 }, // from the order, never from the request
      source: { paymentMethodID: req.body.paymentMethodID },
      destination: { paymentMethodID: destination },
      metadata: { order: id }, // the webhook can come before the response
    };
    await req.moov.post(moovPath`/accounts/${platformAccountID}/transfers`, transfer, {
      headers: { 'X-Idempotency-Key': idempotencyKey('order', id, 'payment') },
      validateStatus: (status) => (status >= 200 && status < 300) || status === 409, // 409: made before
    });
    orders.markPaid(id);
    res.status(202).json(orders.find(id));
  });

  app.get('/orders/:id', (req, res) => {
    const order = orders.find(req.params.id);
    if (order === undefined) res.sendStatus(404);
    else res.json(order);
  });

  app.use(moovErrorHandler());
  return { app, handleEvents };

  /** One run after the other, so that no event is handled twice at once. */
  function handleEvents(): Promise<void> {
    handling = handling.then(handleStored);
    return handling;
  }

  /** An event whose handling fails stays in the table, for the next time. */
  async function handleStored(): Promise<void> {
    for (const { eventID, transferID } of orders.openEvents()) {
      try {
        if (transferID !== undefined) await settle(transferID);
        orders.markHandled(eventID);
      } catch (error) {
        console.error(
          `Event ${eventID} is to be handled again:`,
          error instanceof Error ? error.message : error,
        );
      }
    }
  }

  /** Moov does not sign the body of a webhook, and events can be late. So the transfer itself says what its status is. */
  async function settle(transferID: string): Promise<void> {
    const { status, data } = await moov.client.get<Partial<Transfer>>(
      moovPath`/accounts/${platformAccountID}/transfers/${transferID}`,
      { validateStatus: (code) => code === 200 || code === 404 },
    );
    const order = data.metadata?.order;
    if (status === 200 && data.status === 'completed' && order !== undefined) orders.markSettled(order);
  }
}

interface Transfer {
  readonly status: string;
  readonly metadata: { readonly order?: string };
}
