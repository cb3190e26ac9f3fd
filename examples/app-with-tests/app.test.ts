// An application's own tests: real HTTP on both sides, no mocks. Run with: node --import tsx --test app.test.ts
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type MoovAuth, moovAuth } from 'express-moov-auth';
import { createMoovSandbox, type MoovSandbox } from 'express-moov-auth/sandbox';
import request from 'supertest';
import { createApp } from './app.js';

let sandbox: MoovSandbox;
let moov: MoovAuth;
let app: ReturnType<typeof createApp>;

beforeEach(async () => {
  sandbox = createMoovSandbox();
  await sandbox.listen();
  moov = moovAuth(['/accounts.read', '/accounts.write'], sandbox.options);
  app = createApp(moov);
});

afterEach(async () => {
  await moov.close();
  await sandbox.close();
});

test('creates a customer and finds it again', async () => {
  const ada = { firstName: 'Ada', lastName: 'Lovelace' };
  const created = await request(app).post('/customers').send(ada).expect(201);
  const found = await request(app).get(`/customers/${created.body.id}`).expect(200);
  assert.deepEqual(found.body, { id: created.body.id, name: 'Ada Lovelace' });
});

test('says what is wrong with a customer', async () => {
  const { body } = await request(app).post('/customers').send({ firstName: 'Ada' }).expect(422);
  assert.equal(body.title, 'Unprocessable Content');
});

test('answers 404 for a customer Moov does not know', async () => {
  await request(app)
    .get('/customers/nobody')
    .expect(404)
    .expect('Content-Type', /problem\+json/);
});

test('works on when the token is revoked', async () => {
  await moov.ready();
  sandbox.revokeTokens();
  await request(app).get(`/customers/${sandbox.platformAccountID}`).expect(200);
  assert.equal(sandbox.stats.tokenRequests, 2);
});

test('answers 502 when Moov stays down', async () => {
  sandbox.fail({ method: 'GET', path: /^\/accounts/, status: 500, times: 10 });
  await request(app).get(`/customers/${sandbox.platformAccountID}`).expect(502);
});
