import { derivedID } from '../../ids.js';

/** The rails that are served here. Moov has more, such as RTP for banks that take part, Apple Pay and Google Pay. */
export type PaymentMethodType =
  | 'moov-wallet'
  | 'card-payment'
  | 'ach-debit-fund'
  | 'ach-debit-collect'
  | 'ach-credit-standard'
  | 'ach-credit-same-day';

/** A payment method without the source of its money. */
export interface BasicPaymentMethod {
  readonly paymentMethodID: string;
  readonly paymentMethodType: PaymentMethodType;
}

/**
 * The payment methods of a bank account: money can be sent to any, and collected from a verified one.
 *
 * @see {@link https://docs.moov.io/guides/sources/bank-accounts/ | Moov: bank accounts}
 */
export function methodsOfBankAccount(bankAccountID: string, isVerified: boolean): BasicPaymentMethod[] {
  const debits = isVerified ? (['ach-debit-fund', 'ach-debit-collect'] as const) : [];
  return [...debits, 'ach-credit-standard' as const, 'ach-credit-same-day' as const].map((type) =>
    methodOf(bankAccountID, type),
  );
}

/** @see {@link https://docs.moov.io/guides/money-movement/payment-methods/ | Moov: payment methods} */
export function methodOfCard(cardID: string): BasicPaymentMethod {
  return methodOf(cardID, 'card-payment');
}

/** @see {@link https://docs.moov.io/guides/money-movement/payment-methods/ | Moov: payment methods} */
export function methodOfWallet(walletID: string): BasicPaymentMethod {
  return methodOf(walletID, 'moov-wallet');
}

/** It follows from what it draws on, so that it stays the same while that is there. */
function methodOf(sourceID: string, paymentMethodType: PaymentMethodType): BasicPaymentMethod {
  return { paymentMethodID: derivedID('payment method', sourceID, paymentMethodType), paymentMethodType };
}
