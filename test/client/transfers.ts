import type { AxiosInstance } from 'axios';
import { idempotencyKey } from '../../src/index.js';
import type { MoovSandbox } from '../../src/sandbox/index.js';

/** What the tests of payments send. */
export const amount = { currency: 'USD', value: 1204 };
export const transfer = {
  source: { paymentMethodID: '5b6f8a1e-0000-4000-8000-000000000001' },
  destination: { paymentMethodID: '5b6f8a1e-0000-4000-8000-000000000002' },
  amount,
};
export const keyed = (...parts: (string | number)[]) => ({
  headers: { 'X-Idempotency-Key': idempotencyKey(...parts) },
});
export const transfersOf = (sandbox: MoovSandbox) => `/accounts/${sandbox.platformAccountID}/transfers`;
export const pay = (client: AxiosInstance, sandbox: MoovSandbox, key: string, body: unknown = transfer) =>
  client.post(transfersOf(sandbox), body, keyed(key));
