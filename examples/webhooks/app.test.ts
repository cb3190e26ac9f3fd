// The whole flow, with Moov played by the sandbox. Run with: node --import tsx --test app.test.ts
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type MoovAuth, moovAuth } from 'express-moov-auth';
import { createMoovSandbox, type MoovSandbox } from 'express-moov-auth/sandbox';
import request from 'supertest';
import { type Listening, listen } from '../listen.js';
import { createShop, type Shop } from './app.js';
import { Orders } from './orders.js';

let sandbox: MoovSandbox;
let moov: MoovAuth;
let orders: Orders;
let shop: Shop;
let server: Listening;
let webhook: string;

beforeEach(async () => {
  sandbox = createMoovSandbox({ seed: { accounts: [{ name: 'A customer', cards: [{}] }] } });
  await sandbox.listen();
  const { platformAccountID } = sandbox;
  moov = moovAuth(
    ['/accounts/{platformAccountID}/transfers.read', '/accounts/{platformAccountID}/transfers.write'],
    { ...sandbox.options, platformAccountID, retries: 0 }, // so that a failure is one
  );
  orders = await Orders.open();
  shop = startShop();
  server = await listen(shop.app);
  webhook = `${server.url}/webhooks/moov`;
});

afterEach(async () => {
  await server.close();
  await moov.close();
  await sandbox.close();
});

/** A process of the shop; several share the database. */
function startShop(): Shop {
  const { platformAccountID, webhookSecret, seeded } = sandbox;
  const destination = seeded.platform.wallet?.paymentMethodID ?? assert.fail('the platform has no wallet');
  return createShop({ moov, orders, platformAccountID, destination, webhookSecret });
}

/** @returns the transfer that pays the order. */
async function pay(order: string): Promise<{ transferID: string }> {
  const { paymentMethodID } = sandbox.seeded.accounts[0]?.cards[0] ?? assert.fail('the customer has no card');
  await request(shop.app)
    .post(`/orders/${order}/pay`)
    .send({ paymentMethodID })
    .expect(202, { id: order, status: 'paid' });
  const { transferID } = sandbox.transfers.at(-1) ?? assert.fail('there is no transfer');
  return { transferID };
}

async function statusOf(order: string): Promise<string> {
  await shop.handleEvents(); // also waits for those in progress
  const { body } = await request(shop.app).get(`/orders/${order}`).expect(200);
  return body.status;
}

/** How often the shop has asked Moov for a transfer. */
function lookups(): number {
  return sandbox.requests.filter(({ method, path }) => method === 'GET' && path.includes('/transfers/'))
    .length;
}

test('an order is paid, and settles when the webhook arrives', async () => {
  const { transferID } = await pay('1');
  assert.equal(await statusOf('1'), 'paid');
  sandbox.settle(transferID);
  const sent = await sandbox.sendWebhook(webhook, 'transfer.updated', { transferID, status: 'completed' });
  assert.deepEqual(sent.statuses, [200]);
  assert.equal(await statusOf('1'), 'settled');
});

test('a replay is answered with 200 and changes nothing', async () => {
  const { transferID } = await pay('1');
  sandbox.settle(transferID);
  const sent = await sandbox.sendWebhook(webhook, 'transfer.updated', { transferID });
  await shop.handleEvents();
  const { status } = await fetch(webhook, { method: 'POST', headers: sent.headers, body: sent.body });
  assert.equal(status, 200);
  assert.equal(await statusOf('1'), 'settled');
  assert.equal(lookups(), 1);
});

test('another process, which does not know the delivery, finds its event in the table', async () => {
  const { transferID } = await pay('1');
  const sent = await sandbox.sendWebhook(webhook, 'transfer.updated', { transferID });
  await shop.handleEvents();
  const another = startShop();
  await request(another.app).post('/webhooks/moov').set(sent.headers).send(sent.body).expect(200);
  await another.handleEvents();
  assert.equal(lookups(), 1);
});

test('a body that says "completed" settles nothing while Moov says "pending"', async () => {
  const { transferID } = await pay('1');
  await sandbox.sendWebhook(webhook, 'transfer.updated', { transferID, status: 'completed' });
  assert.equal(await statusOf('1'), 'paid');
});

test('a transfer that Moov does not know settles nothing', async () => {
  await pay('1');
  const sent = await sandbox.sendWebhook(webhook, 'transfer.updated', { transferID: 'invented' });
  assert.deepEqual(sent.statuses, [200]);
  assert.equal(await statusOf('1'), 'paid');
});

test('an event stays in the table while Moov is down, and is handled afterwards', async () => {
  const { transferID } = await pay('1');
  sandbox.settle(transferID);
  sandbox.fail({ method: 'GET', path: /\/transfers\//, status: 500 });
  await sandbox.sendWebhook(webhook, 'transfer.updated', { transferID });
  await shop.handleEvents();
  assert.equal(orders.openEvents().length, 0);
  assert.equal(await statusOf('1'), 'settled');
  assert.equal(lookups(), 2);
});

test('a delivery that is not from Moov is refused', async () => {
  const { transferID } = await pay('1');
  const genuine = await sandbox.sendWebhook(webhook, 'event.test', { ping: true });
  const forged = { ...genuine.headers, 'X-Nonce': 'another' };
  await request(shop.app).post('/webhooks/moov').set(forged).send({ transferID }).expect(401);
  assert.equal(await statusOf('1'), 'paid');
});
