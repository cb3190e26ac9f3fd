import type { AxiosInstance } from 'axios';
import { idempotencyKey } from '../../src/index.js';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { parties } from '../helpers/payable.js';

/** What the tests of payments send. */
export const amount = { currency: 'USD', value: 1204 };
export const transfer = { ...parties, amount };
export const keyed = (...parts: (string | number)[]) => ({
  headers: { 'X-Idempotency-Key': idempotencyKey(...parts) },
});
export const transfersOf = (sandbox: MoovSandbox) => `/accounts/${sandbox.platformAccountID}/transfers`;
export const pay = (client: AxiosInstance, sandbox: MoovSandbox, key: string, body: unknown = transfer) =>
  client.post(transfersOf(sandbox), body, keyed(key));
