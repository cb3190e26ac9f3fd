// A payment that can be repeated, after a double click or a lost response, and moves the money once.
import express from 'express';
import { idempotencyKey, moovAuth, moovErrorHandler, moovPath } from 'express-moov-auth';
import { createMoovSandbox } from 'express-moov-auth/sandbox';
import { listen } from './listen.js';

const sandbox = createMoovSandbox({ seed: { accounts: [{ name: 'Ada Lovelace', cards: [{}] }] } });
await sandbox.listen();
// The scope names the platform's own account, whoever pays.
const { platformAccountID, seeded } = sandbox;
const moov = moovAuth(`/accounts/${platformAccountID}/transfers.write`, sandbox.options);

const app = express();
app.use(moov);

app.post('/orders/:id/pay', async (req, res) => {
  const transfer = {
    amount: { currency: 'USD', value: 1204 }, // from your order, never from the request
    source: { paymentMethodID: seeded.accounts[0]?.cards[0]?.paymentMethodID },
    destination: { paymentMethodID: seeded.platform.wallet?.paymentMethodID },
  };
  const { status, data } = await req.moov.post<{ transferID?: string }>(
    moovPath`/accounts/${platformAccountID}/transfers`,
    transfer,
    {
      // Derived from the order, so that every attempt has the same key. A new key after a failure could pay twice: Moov
      // may have made the transfer before the response was lost. req.moov retries a POST only if it has a key.
      headers: { 'X-Idempotency-Key': idempotencyKey('order', req.params.id, 'payment') },
      // 409: the key was used before, and the body is the transfer that was made with it. That is the result.
      validateStatus: (code) => (code >= 200 && code < 300) || code === 409,
    },
  );
  if (data.transferID === undefined) throw new Error(`Moov answered ${status} without a transfer`);
  res.json({ transferID: data.transferID, madeBefore: status === 409 });
});

app.use(moovErrorHandler());

// From here on: the customer's browser.
const server = await listen(app);
try {
  console.log('Order 1, paid by a double click:');
  const [first, second] = await Promise.all([pay(1), pay(1)]);
  expect(
    first.transferID !== undefined && first.transferID === second.transferID,
    'both are the same transfer',
  );
  expect(sandbox.transfers.length === 1, 'Moov has made 1 transfer');

  console.log('Order 2: Moov makes the transfer, and the first response is lost:');
  sandbox.fail({ method: 'POST', path: /\/transfers$/, drop: 'after' });
  const [lost, again] = [await pay(2), await pay(2)];
  expect(lost.transferID === undefined || lost.transferID === again.transferID, 'no second transfer');
  expect(again.transferID === sandbox.transfers[1]?.transferID, 'the second attempt found the first one');
  expect(sandbox.transfers.length === 2, 'Moov has made 2 transfers for 2 orders');
} finally {
  await server.close();
  await moov.close({ revoke: true });
  await sandbox.close();
}

async function pay(order: number): Promise<{ transferID?: string }> {
  const response = await fetch(`${server.url}/orders/${order}/pay`, { method: 'POST' });
  const body = (await response.json()) as { transferID?: string };
  console.log(`  POST /orders/${order}/pay  ${response.status} ${JSON.stringify(body)}`);
  return body;
}

function expect(condition: boolean, claim: string): void {
  if (!condition) throw new Error(`Not so: ${claim}`);
  console.log(`  ok  ${claim}`);
}
