import { expect, test } from 'vitest';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import { createTransfer, order, readJson, send } from './helpers.js';

async function list(sandbox: MoovSandbox, path: string): Promise<Record<string, unknown>[]> {
  const response = await send(sandbox, 'GET', path);
  expect(response.status).toBe(200);
  return readJson(response);
}

async function withAccounts(): Promise<MoovSandbox> {
  const sandbox = await startSandbox();
  for (const [firstName, foreignID] of [
    ['Jane', 'user-1'],
    ['Janet', 'user-2'],
    ['Otto', undefined],
  ]) {
    const profile = { individual: { name: { firstName, lastName: 'Doe' } } };
    const body = { accountType: 'individual', profile, ...(foreignID === undefined ? {} : { foreignID }) };
    expect((await send(sandbox, 'POST', '/accounts', { body })).status).toBe(200);
  }
  return sandbox;
}

test.each([
  ['', ['Sandbox Platform', 'Jane Doe', 'Janet Doe', 'Otto Doe']],
  ['?foreignID=user-2', ['Janet Doe']],
  ['?foreignID=user', []],
  ['?foreignID=unknown', []],
  ['?foreignID=', ['Sandbox Platform', 'Jane Doe', 'Janet Doe', 'Otto Doe']],
  ['?name=jane', ['Jane Doe', 'Janet Doe']],
  ['?name=Jane%20Doe', ['Jane Doe']],
  ['?name=nobody', []],
  ['?type=business', ['Sandbox Platform']],
  ['?type=individual', ['Jane Doe', 'Janet Doe', 'Otto Doe']],
  ['?type=unknown', []],
  ['?type=individual&name=jane&foreignID=user-1', ['Jane Doe']],
  ['?type=business&foreignID=user-1', []],
  ['?type=individual&skip=1&count=1', ['Janet Doe']],
])('GET /accounts%s lists %j', async (query, names) => {
  const sandbox = await withAccounts();
  const accounts = await list(sandbox, `/accounts${query}`);
  expect(accounts.map(({ displayName }) => displayName)).toEqual(names);
});

test('transfers are listed by foreign ID, status and time of creation', async () => {
  const sandbox = await startSandbox();
  await createTransfer(sandbox, 'a', { ...order, foreignID: 'order-1' });
  await createTransfer(sandbox, 'b', order);
  const path = `/accounts/${sandbox.platformAccountID}/transfers`;
  const keysOf = async (query: string) =>
    (await list(sandbox, path + query)).map(
      ({ transferID }) =>
        sandbox.transfers.find((transfer) => transfer.transferID === transferID)?.idempotencyKey,
    );
  expect(await keysOf('?foreignID=order-1')).toEqual(['a']);
  expect(await keysOf('?status=pending')).toEqual(['a', 'b']);
  expect(await keysOf('?status=failed')).toEqual([]);
  expect(await keysOf('?startDateTime=2020-01-01T00:00:00Z')).toEqual(['a', 'b']);
  expect(await keysOf('?startDateTime=2999-01-01T00:00:00Z')).toEqual([]);
  expect(await keysOf('?endDateTime=2020-01-01T00:00:00Z')).toEqual([]);
  expect(await keysOf('?endDateTime=2999-01-01T00:00:00Z&count=1')).toEqual(['a']);
});

test.each([
  ['?includeDisconnected=true', ['Sandbox Platform', 'Jane Doe', 'Janet Doe', 'Otto Doe']],
  ['?capability=wallet', ['Sandbox Platform']],
  ['?capabilityStatus=enabled&type=business', ['Sandbox Platform']],
  ['?email=platform@example.com', ['Sandbox Platform']],
  ['?nonsense=1&type=business', ['Sandbox Platform']],
])('GET /accounts%s lists %j too', async (query, names) => {
  const sandbox = await withAccounts();
  const accounts = await list(sandbox, `/accounts${query}`);
  expect(accounts.map(({ displayName }) => displayName)).toEqual(names);
});

test.each([
  ['disputed=true', 501, 'query parameter \\"disputed\\"'],
  ['groupID=x&status=pending', 501, 'query parameter \\"groupID\\"'],
  ['groupID=', 200, '[]'],
  ['count=many', 422, '"count":"must be a whole number"'],
  ['skip=-1', 422, '"skip":"must be a whole number"'],
  ['refunded=banana', 422, '"refunded":"must be true or false"'],
  ['startDateTime=banana', 422, '"startDateTime":"must be a time in ISO 8601"'],
  ['startDateTime=5', 422, '"startDateTime":"must be a time in ISO 8601"'],
  ['endDateTime=2026-13-45', 422, '"endDateTime":"must be a time in ISO 8601"'],
  ['refunded=false&startDateTime=2026-01-01T00:00:00%2B02:00', 200, '[]'],
])('GET .../transfers?%s is answered %i', async (query, status, text) => {
  const sandbox = await startSandbox();
  const response = await send(sandbox, 'GET', `/accounts/${sandbox.platformAccountID}/transfers?${query}`);
  expect(response.status).toBe(status);
  expect(await response.text()).toContain(text);
});

test('GET /accounts?includeDisconnected=banana is a 422', async () => {
  const response = await send(await startSandbox(), 'GET', '/accounts?includeDisconnected=banana');
  expect([response.status, await response.text()]).toEqual([
    422,
    '{"includeDisconnected":"must be true or false"}',
  ]);
});
