import { beforeEach, expect, test } from 'vitest';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import { basic, readJson, send } from './helpers.js';

// What Moov would refuse of bank accounts, cards, files and transfer options, the sandbox refuses too.

const seed = { accounts: [{ cards: [{}], bankAccounts: [{ verified: true }] }] };
let sandbox: MoovSandbox;
let account: string;

beforeEach(async () => {
  sandbox = await startSandbox({ seed });
  account = `/accounts/${sandbox.seeded.accounts[0]?.accountID}`;
});

const bank = {
  holderName: 'Ada',
  holderType: 'individual',
  bankAccountType: 'checking',
  routingNumber: '122105278',
  accountNumber: '000123456789',
};
const card = {
  cardNumber: '4111111111111111',
  cardCvv: '123',
  expiration: { month: '01', year: '40' },
  billingAddress: { postalCode: '10001' },
};
const aYearAgo = String(new Date().getFullYear() - 2001).padStart(2, '0');

test.each<[path: string, body: object, status: number, why: string]>([
  ['/bank-accounts', { plaid: { token: 'x' } }, 501, 'plaid'],
  ['/bank-accounts', { account: 'x' }, 422, 'must be an object'],
  ['/bank-accounts', { account: { ...bank, holderType: 'robot' } }, 422, 'individual or business'],
  ['/bank-accounts', { account: { ...bank, bankAccountType: 'x' } }, 422, 'checking, savings'],
  ['/bank-accounts', { account: { ...bank, routingNumber: '12' } }, 422, 'nine digits'],
  ['/bank-accounts', { account: { ...bank, accountNumber: 5 } }, 422, '4 to 17 digits'],
  ['/cards', { ...card, e2ee: {} }, 501, 'e2ee'],
  ['/cards', { ...card, cardNumber: '1' }, 422, '12 to 19 digits'],
  ['/cards', { ...card, cardCvv: 'x' }, 422, '3 or 4 digits'],
  ['/cards', { ...card, expiration: { month: '13', year: '40' } }, 422, '01 to 12'],
  ['/cards', { ...card, expiration: { month: '01', year: aYearAgo } }, 422, 'in the future'],
  ['/cards', { ...card, billingAddress: 5 }, 422, 'must be an object'],
  ['/cards', { ...card, cardOnFile: 'yes' }, 422, 'true or false'],
  ['/files', {}, 400, 'multipart/form-data'],
])('POST %s of %j is a %i', async (path, body, status, why) => {
  const response = await send(sandbox, 'POST', account + path, { body });
  expect(response.status).toBe(status);
  expect(await response.text()).toContain(why);
});

test.each(['/bank-accounts/none', '/cards/none', '/files/none'])('GET %s is a 404', async (path) => {
  expect((await send(sandbox, 'GET', account + path)).status).toBe(404);
});

test('a bank account and a card are linked once', async () => {
  for (const [path, body] of [
    ['/bank-accounts', { account: bank }],
    ['/cards', { ...card, cardNumber: '5555555555554444' }],
  ] as const) {
    const statuses = [1, 2].map(async () => (await send(sandbox, 'POST', account + path, { body })).status);
    expect((await Promise.all(statuses)).sort()).toEqual([200, 409]);
  }
});

test('the verification of a bank account ends after five wrong codes, and needs a beginning', async () => {
  const linked = await send(sandbox, 'POST', `${account}/bank-accounts`, {
    body: { account: bank },
    headers: { 'x-wait-for': 'payment-method' },
  });
  const { bankAccountID, paymentMethods } = await readJson<{
    bankAccountID: string;
    paymentMethods: unknown[];
  }>(linked);
  expect(paymentMethods.length).toBeGreaterThan(0);
  const path = `${account}/bank-accounts/${bankAccountID}`;
  const complete = async (code: string) =>
    (await send(sandbox, 'PUT', `${path}/verify`, { body: { code } })).status;
  expect(await complete('0000')).toBe(409);
  expect((await send(sandbox, 'POST', `${path}/verify`)).status).toBe(200);
  for (let tries = 0; tries < 5; tries++) expect(await complete('9999')).toBe(422);
  expect(await complete('0000')).toBe(409);
  expect(await readJson(await send(sandbox, 'GET', path))).toMatchObject({ status: 'verificationFailed' });
  expect((await send(sandbox, 'DELETE', path)).status).toBe(204);
  expect((await send(sandbox, 'GET', path)).status).toBe(404);
});

test('a bank account that is verified is not verified again', async () => {
  const id = sandbox.seeded.accounts[0]?.bankAccounts[0]?.bankAccountID;
  expect((await send(sandbox, 'POST', `${account}/bank-accounts/${id}/verify`)).status).toBe(409);
});

test.each<[what: string, parts: Record<string, string | File>, why: string]>([
  ['no file', { filePurpose: 'merchant_underwriting' }, 'is required'],
  ['a file of another kind', { file: new File(['x'], 'a.exe') }, 'must end with'],
  ['another purpose', { file: new File(['x'], 'a.csv'), filePurpose: 'fun' }, 'must be one of'],
  ['no purpose', { file: new File(['x'], 'a.pdf') }, 'must be one of'],
])('a form with %s is refused', async (_what, parts, why) => {
  const form = new FormData();
  for (const [name, part] of Object.entries(parts)) form.set(name, part);
  const response = await fetch(`${sandbox.url}${account}/files`, {
    method: 'POST',
    headers: { authorization: basic(sandbox.credentials) },
    body: form,
  });
  expect(response.status).toBe(422);
  expect(await response.text()).toContain(why);
});

test('a body that is no form is refused', async () => {
  const response = await send(sandbox, 'POST', `${account}/files`, {
    body: 'x',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
  });
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('not valid')]);
});

test('transfer options need accounts or payment methods that exist', async () => {
  const path = `/accounts/${sandbox.platformAccountID}/transfer-options`;
  const { accountID, cards } = sandbox.seeded.accounts[0] ?? {};
  const amount = { currency: 'USD', value: 100 };
  const source = { paymentMethodID: cards?.[0]?.paymentMethodID };
  const destination = { accountID: sandbox.platformAccountID };
  const ask = async (body: object) => (await send(sandbox, 'POST', path, { body })).status;
  expect(await ask({ source, destination, amount })).toBe(200);
  expect(await ask({ source: { accountID }, destination, amount })).toBe(200);
  expect(await ask({ source: {}, destination, amount })).toBe(422);
  expect(await ask({ source: { accountID: 'none' }, destination, amount })).toBe(422);
  expect(await ask({ source: { paymentMethodID: 'none' }, destination, amount })).toBe(422);
  expect(await ask({ source: 5, destination, amount })).toBe(422);
});
