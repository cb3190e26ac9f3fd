import { z } from 'zod';
import { type ApiResponse, type Call, invalid } from '../../http/call.js';
import { amount, mustBe, optionalText, readBody } from '../../http/fields.js';
import type { Accounts } from '../accounts.js';
import type { Capabilities } from '../capabilities.js';
import type { OwnedPaymentMethod, PaymentMethods } from '../funding/payment-methods.js';
import { route } from '../route.js';
import { whyNot } from './rules.js';

const end = z.object({ accountID: optionalText, paymentMethodID: optionalText }, mustBe('an object'));
const question = z.object({ source: end, destination: end, amount });

/**
 * Which payment methods of two accounts money can go between.
 *
 * @see {@link https://docs.moov.io/api/money-movement/transfers/ | Moov: transfers}
 */
export class TransferOptions {
  readonly #accounts: Accounts;
  readonly #paymentMethods: PaymentMethods;
  readonly #capabilities: Capabilities;

  readonly routes = [
    route('POST', '/accounts/{accountID}/transfer-options', (call) => this.#generate(call), [
      '/accounts/{accountID}/transfers.write',
    ]),
  ];

  constructor(accounts: Accounts, paymentMethods: PaymentMethods, capabilities: Capabilities) {
    this.#accounts = accounts;
    this.#paymentMethods = paymentMethods;
    this.#capabilities = capabilities;
  }

  #generate(call: Call): ApiResponse {
    const asked = readBody(call, question);
    const sources = this.#candidates(asked.source, 'source');
    const destinations = this.#candidates(asked.destination, 'destination');
    const canPay = (source: OwnedPaymentMethod, destination: OwnedPaymentMethod) =>
      whyNot({ source, destination }, this.#capabilities) === undefined;
    const body = {
      sourceOptions: sources.filter((source) => destinations.some((to) => canPay(source, to))).map(methodOf),
      destinationOptions: destinations.filter((to) => sources.some((from) => canPay(from, to))).map(methodOf),
    };
    return { status: 200, body };
  }

  #candidates({ accountID, paymentMethodID }: z.infer<typeof end>, field: string): OwnedPaymentMethod[] {
    if (paymentMethodID !== undefined) {
      const found = this.#paymentMethods.find(paymentMethodID);
      if (found === undefined) throw invalid({ [field]: 'there is no such payment method' });
      return [found];
    }
    const account = accountID === undefined ? undefined : this.#accounts.find(accountID);
    if (account === undefined)
      throw invalid({ [field]: 'needs the ID of an account or of a payment method' });
    return this.#paymentMethods.of(account.accountID).map((method) => ({ account, method }));
  }
}

function methodOf({ method }: OwnedPaymentMethod) {
  return method;
}
