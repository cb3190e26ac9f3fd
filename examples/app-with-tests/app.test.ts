// An application's own tests: real HTTP on both sides, no mocks. One sandbox serves them all, and each test begins with
// the same two customers and nothing else. Run with: node --import tsx --test app.test.ts
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { moovAuth } from 'express-moov-auth';
import { createMoovSandbox } from 'express-moov-auth/sandbox';
import request from 'supertest';
import { createApp, scopes } from './app.js';

const sandbox = createMoovSandbox({
  seed: {
    accounts: [
      { name: 'Ada Lovelace', cards: [{}] },
      { name: 'Grace Hopper', cards: [{ cardNumber: '4000020000000000' }] }, // Moov's card that is declined
    ],
  },
});
await sandbox.listen();
const { platformAccountID, seeded } = sandbox;
const [ada, grace] = seeded.accounts.map(({ accountID }) => accountID);

const moov = moovAuth(scopes, { ...sandbox.options, platformAccountID });
const app = createApp({
  moov,
  platformAccountID,
  priceOf: (order) => (order.startsWith('order-') ? 1999 : undefined),
  customerOf: (req) => req.get('x-test-customer'),
  requireStaff: (req, res, next) => (req.get('x-test-staff') ? next() : res.sendStatus(403)),
});

before(() => moov.ready());
afterEach(() => sandbox.reset());
after(async () => {
  await moov.close();
  await sandbox.close();
});

const as = (customer = '') => ({ 'x-test-customer': customer });
const asStaff = { 'x-test-staff': 'yes' };
const pay = (order: string, customer = ada) => request(app).post(`/orders/${order}/pay`).set(as(customer));
const balance = async () => {
  const client = moov.clientFor({
    scopes: '/accounts/{accountID}/wallets.read',
    accountID: platformAccountID,
  });
  const { data } = await client.get(`/accounts/${platformAccountID}/wallets`);
  return data[0].availableBalance.value;
};

test('onboards a customer, whose browser links a card to pay with', async () => {
  const name = { firstName: 'Alan', lastName: 'Turing' };
  const { body: alan } = await request(app).post('/customers').send(name).expect(201);
  const found = await request(app).get(`/customers/${alan.id}`).expect(200);
  assert.deepEqual(found.body, { id: alan.id, name: 'Alan Turing' });
  await pay('order-1', alan.id).expect(409, { error: 'no card' });

  const { body } = await request(app).post('/moov/token').set(as(alan.id)).expect(200);
  // What Moov.js does in the browser:
  const linked = await fetch(`${sandbox.url}/accounts/${alan.id}/cards`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${body.token}`,
      origin: String(sandbox.options.origin),
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      cardNumber: '5555555555554444',
      cardCvv: '123',
      expiration: { month: '01', year: '49' },
      billingAddress: { postalCode: '80301' },
    }),
  });
  assert.equal(linked.status, 200);
  await pay('order-1', alan.id).expect(200);
});

test('gives a browser no token for more than the cards of its customer', async () => {
  await request(app).post('/moov/token').expect(401);
  const wanted = { scopes: [`/accounts/${grace}/cards.write`] };
  await request(app).post('/moov/token').set(as(ada)).send(wanted).expect(403);
});

test('takes a payment, which counts in the wallet once it has settled', async () => {
  const { body } = await pay('order-1').expect(200);
  assert.equal(body.status, 'pending');
  assert.equal(await balance(), 0);
  sandbox.settle(body.payment);
  assert.equal(await balance(), 1999);
  await request(app)
    .get('/orders/order-1')
    .set(asStaff)
    .expect(200, { payment: body.payment, status: 'completed' });
});

test('pays an order once, after a double click or a lost response', async () => {
  sandbox.fail({ method: 'POST', path: /\/transfers$/, drop: 'after' });
  const [first, second] = await Promise.all([pay('order-1').expect(200), pay('order-1').expect(200)]);
  assert.equal(first.body.payment, second.body.payment);
  assert.equal(sandbox.transfers.length, 1);
});

test('says so when the card is declined', async () => {
  const { body } = await pay('order-1', grace).expect(402);
  assert.equal(body.status, 'failed');
});

test('refunds an order once, and only for the staff', async () => {
  await pay('order-1').expect(200);
  await request(app).post('/orders/order-1/refund').expect(403);
  for (const _try of [1, 2]) {
    await request(app)
      .post('/orders/order-1/refund')
      .set(asStaff)
      .expect(200, { order: 'order-1', refunded: 1999 });
  }
  assert.deepEqual(
    sandbox.refunds.map(({ amount }) => amount.value),
    [1999],
  );
});

test('sends no more to Moov than it should', async () => {
  await pay('order-1').expect(200);
  const [order] = sandbox.requests.filter(({ path }) => path.endsWith('/transfers'));
  assert.deepEqual(order?.body, {
    amount: { currency: 'USD', value: 1999 },
    source: { paymentMethodID: seeded.accounts[0]?.cards[0]?.paymentMethodID },
    destination: { paymentMethodID: seeded.platform.wallet?.paymentMethodID },
    foreignID: 'order-1',
  });
});

test('begins with nothing of the tests before, and with valid tokens', async () => {
  assert.deepEqual([sandbox.transfers, sandbox.requests, sandbox.accounts.length], [[], [], 3]);
  await request(app).get(`/customers/${ada}`).expect(200);
  assert.equal(sandbox.stats.unauthorized, 0);
});

test('works on when the token is revoked', async () => {
  sandbox.revokeTokens();
  await request(app).get(`/customers/${ada}`).expect(200);
  assert.equal(sandbox.stats.unauthorized, 1);
});

test('answers 404 for a customer or an order that Moov does not know', async () => {
  await request(app)
    .get('/customers/nobody')
    .expect(404)
    .expect('Content-Type', /problem\+json/);
  await request(app).get('/orders/order-1').set(asStaff).expect(404);
});

test('says what is wrong with a customer', async () => {
  const { body } = await request(app).post('/customers').send({ firstName: 'Ada' }).expect(422);
  assert.equal(body.title, 'Unprocessable Content');
});

test('answers 502 when Moov stays down', async () => {
  sandbox.fail({
    method: 'GET',
    path: /^\/accounts/,
    status: 500,
    headers: { 'retry-after-ms': '1' },
    times: 10,
  });
  await request(app).get(`/customers/${ada}`).expect(502);
});
