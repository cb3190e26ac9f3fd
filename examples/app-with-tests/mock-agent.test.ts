// The same application against undici's MockAgent: for tests that specify every response. Nothing listens,
// and nothing is sent. Run with: node --import tsx --test mock-agent.test.ts
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type MoovAuth, moovAuth } from 'express-moov-auth';
import request from 'supertest';
import { MockAgent } from 'undici';
import { createApp } from './app.js';

const api = 'https://api.moov.io';
let agent: MockAgent;
let moov: MoovAuth;

beforeEach(() => {
  agent = new MockAgent();
  agent.disableNetConnect();
  agent
    .get(api)
    .intercept({ path: '/oauth2/token', method: 'POST' })
    .reply(200, { access_token: 'a-token', token_type: 'Bearer', expires_in: 900 });
  moov = moovAuth('/accounts.read', {
    clientId: 'public',
    clientSecret: 'secret',
    origin: 'https://app.example.com',
    transport: agent,
  });
});

afterEach(async () => {
  await moov.close();
  await agent.close();
});

test('shows a customer as Moov has it', async () => {
  agent
    .get(api)
    .intercept({ path: '/accounts/ada', headers: { authorization: 'Bearer a-token' } })
    .reply(200, { accountID: 'ada', displayName: 'Ada Lovelace' });
  const app = createApp({
    moov,
    platformAccountID: 'the-shop',
    priceOf: () => undefined,
    customerOf: () => undefined,
    requireStaff: (_req, res) => res.sendStatus(403),
  });
  const { body } = await request(app).get('/customers/ada').expect(200);
  assert.deepEqual(body, { id: 'ada', name: 'Ada Lovelace' });
  agent.assertNoPendingInterceptors();
});
