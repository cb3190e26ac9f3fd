import type { Capabilities } from '../capabilities.js';
import type { PaymentMethodType } from '../funding/methods.js';
import type { OwnedPaymentMethod } from '../funding/payment-methods.js';

/** Where money can go from a payment method of each type. */
const destinations: Readonly<Record<PaymentMethodType, readonly PaymentMethodType[]>> = {
  'moov-wallet': ['moov-wallet', 'ach-credit-standard', 'ach-credit-same-day'],
  'card-payment': ['moov-wallet'],
  'ach-debit-fund': ['moov-wallet'],
  'ach-debit-collect': ['moov-wallet'],
  'ach-credit-standard': [],
  'ach-credit-same-day': [],
};

/** Which side needs a capability for a payment method of a type. */
const needed: Readonly<
  Partial<Record<PaymentMethodType, { readonly of: 'source' | 'destination'; readonly capability: string }>>
> = {
  'card-payment': { of: 'destination', capability: 'collect-funds.card-payments' },
  'ach-debit-collect': { of: 'destination', capability: 'collect-funds.ach' },
  'ach-credit-standard': { of: 'source', capability: 'send-funds.ach' },
  'ach-credit-same-day': { of: 'source', capability: 'send-funds.ach' },
};

/** Both ends of a transfer. */
export interface Ends {
  readonly source: OwnedPaymentMethod;
  readonly destination: OwnedPaymentMethod;
}

/**
 * Why money can't go from one payment method to another, by the field of Moov's 422; `undefined` when it can. Bank to
 * bank is refused: "not all use cases may be eligible". Which status and field Moov answers with when a capability is
 * missing is not documented.
 *
 * @see {@link https://docs.moov.io/guides/money-movement/payment-methods/ | Moov: payment methods}
 * @see {@link https://docs.moov.io/guides/accounts/capabilities/reference/ | Moov: capabilities}
 */
export function whyNot(ends: Ends, capabilities: Capabilities): Readonly<Record<string, string>> | undefined {
  const source = ends.source.method.paymentMethodType;
  const destination = ends.destination.method.paymentMethodType;
  if (!destinations[source].includes(destination)) {
    return destinations[source].length === 0
      ? { sourcePaymentMethodID: `${source} can't be a source` }
      : { destinationPaymentMethodID: `money from ${source} can't go to ${destination}` };
  }
  for (const type of [source, destination]) {
    const need = needed[type];
    if (need === undefined) continue;
    if (capabilities.isEnabled(ends[need.of].account.accountID, need.capability)) continue;
    return {
      [`${need.of}PaymentMethodID`]: `its account needs the capability ${need.capability} for ${type}`,
    };
  }
  return undefined;
}
