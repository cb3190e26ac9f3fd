import { failure } from '../../http/call.js';
import type { SandboxAccount } from '../account.js';
import type { Accounts } from '../accounts.js';
import { list } from '../lists.js';
import { route } from '../route.js';
import type { BankAccount, BankAccounts } from './bank-accounts.js';
import type { Card, Cards } from './cards.js';
import { type BasicPaymentMethod, methodOfCard, methodOfWallet, methodsOfBankAccount } from './methods.js';
import type { SandboxWallet, Wallets } from './wallets.js';

/** A payment method, in the shape of Moov's responses: it has one of the three sources. */
export interface PaymentMethod extends BasicPaymentMethod {
  readonly bankAccount?: BankAccount;
  readonly card?: Card;
  readonly wallet?: Pick<SandboxWallet, 'walletID' | 'partnerAccountID' | 'walletType'>;
}

/** A payment method and the account it belongs to. */
export interface OwnedPaymentMethod {
  readonly account: SandboxAccount;
  readonly method: PaymentMethod;
}

/**
 * Payment methods: they follow from the bank accounts, cards and wallets that an account has at the moment.
 *
 * @see {@link https://docs.moov.io/guides/money-movement/payment-methods/ | Moov: payment methods}
 */
export class PaymentMethods {
  readonly #accounts: Accounts;
  readonly #bankAccounts: BankAccounts;
  readonly #cards: Cards;
  readonly #wallets: Wallets;

  readonly routes = [
    route('GET', '/accounts/{accountID}/payment-methods', (call, { accountID }) =>
      list(call, this.of(accountID), {
        paged: false,
        filters: {
          paymentMethodType: ({ paymentMethodType }, value) => paymentMethodType === value,
          sourceID: ({ bankAccount, card, wallet }, value) =>
            [bankAccount?.bankAccountID, card?.cardID, wallet?.walletID].includes(value),
        },
      }),
    ),
    route('GET', '/accounts/{accountID}/payment-methods/{paymentMethodID}', (_, params) => {
      const found = this.of(params.accountID).find(
        ({ paymentMethodID }) => paymentMethodID === params.paymentMethodID,
      );
      if (found === undefined) throw failure(404, 'payment method not found');
      return { status: 200, body: found };
    }),
  ];

  constructor(accounts: Accounts, bankAccounts: BankAccounts, cards: Cards, wallets: Wallets) {
    this.#accounts = accounts;
    this.#bankAccounts = bankAccounts;
    this.#cards = cards;
    this.#wallets = wallets;
  }

  of(accountID: string): PaymentMethod[] {
    const wallets = this.#wallets.of(accountID).map(({ walletID, partnerAccountID, walletType }) => ({
      ...methodOfWallet(walletID),
      wallet: { walletID, partnerAccountID, walletType },
    }));
    const cards = this.#cards.of(accountID).map((card) => ({ ...methodOfCard(card.cardID), card }));
    const bankAccounts = this.#bankAccounts.of(accountID).flatMap((bankAccount) =>
      methodsOfBankAccount(bankAccount.bankAccountID, bankAccount.status === 'verified').map((method) => ({
        ...method,
        bankAccount,
      })),
    );
    return [...wallets, ...bankAccounts, ...cards];
  }

  /** @returns `undefined` for an unknown method, or one whose account is disconnected. */
  find(paymentMethodID: string): OwnedPaymentMethod | undefined {
    for (const accountID of this.#accounts.ids) {
      const method = this.of(accountID).find((one) => one.paymentMethodID === paymentMethodID);
      if (method === undefined) continue;
      const account = this.#accounts.get(accountID);
      return account.disconnectedOn === undefined ? { account, method } : undefined;
    }
    return undefined;
  }
}
