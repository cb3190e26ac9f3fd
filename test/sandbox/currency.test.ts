import { expect, test } from 'vitest';
import { startSandbox } from '../helpers/moov.js';
import { createTransfer, order, readJson, send } from './helpers.js';

test.each(['EUR', 'usd', '', 5, undefined])('an amount in %j is a 422', async (currency) => {
  const sandbox = await startSandbox();
  const amount = { currency, value: 100 };
  const options = `/accounts/${sandbox.platformAccountID}/transfer-options`;
  const end = { accountID: sandbox.platformAccountID };
  const responses = [
    await createTransfer(sandbox, 'k', { ...order, amount }),
    await send(sandbox, 'POST', options, { body: { source: end, destination: end, amount } }),
  ];
  for (const response of responses) {
    expect([response.status, await readJson(response)]).toEqual([
      422,
      { amount: expect.stringMatching(/^currency (must be USD|is required)$/) },
    ]);
  }
  expect(sandbox.transfers).toEqual([]);
});
