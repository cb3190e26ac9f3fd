import { z } from 'zod';
import type { Api } from '../api.js';
import type { Faults } from '../faults.js';

const OUTAGE_MS = 10_000;
const LIMITED_REQUESTS = 5;

/** Every path. */
export const everything = /^\//;

const orders = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.enum([
      'loseNextPayment',
      'outage',
      'rateLimit',
      'expireTokens',
      'revokeTokens',
      'clearFaults',
      'reset',
    ]),
  }),
  z.strictObject({
    action: z.literal('settle'),
    transferID: z.string(),
    status: z.enum(['completed', 'failed']),
  }),
]);

/** What the buttons of the page do. */
export class Actions {
  readonly #api: Api;
  readonly #faults: Faults;
  readonly #reset: () => void;

  constructor(api: Api, faults: Faults, reset: () => void) {
    this.#api = api;
    this.#faults = faults;
    this.#reset = reset;
  }

  /** @throws Error for what is no order, and for one that can't be followed. */
  run(json: string): void {
    const order = orders.parse(JSON.parse(json));
    switch (order.action) {
      case 'loseNextPayment':
        this.#faults.add({ method: 'POST', path: /\/transfers$/, drop: 'after' });
        return;
      case 'outage':
        this.#faults.add({ path: everything, status: 503, times: Number.POSITIVE_INFINITY }, OUTAGE_MS);
        return;
      case 'rateLimit': {
        const headers = { 'retry-after': '1' };
        this.#faults.add({ path: everything, status: 429, headers, times: LIMITED_REQUESTS });
        return;
      }
      case 'expireTokens':
        this.#api.tokens.expireAccessTokens();
        return;
      case 'revokeTokens':
        this.#api.tokens.revokeAll();
        return;
      case 'clearFaults':
        this.#faults.clear();
        return;
      case 'reset':
        this.#reset();
        return;
      case 'settle':
        this.#api.resources.transfers.settle(
          order.transferID,
          order.status === 'failed' ? 'failed' : undefined,
        );
    }
  }
}
