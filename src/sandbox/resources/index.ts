import type { Settings } from '../options.js';
import type { Recorder } from '../recorder.js';
import { Accounts } from './accounts.js';
import { Capabilities } from './capabilities.js';
import { Files } from './files.js';
import { BankAccounts } from './funding/bank-accounts.js';
import { Cards } from './funding/cards.js';
import { PaymentMethods } from './funding/payment-methods.js';
import { Wallets } from './funding/wallets.js';
import { type Route, route } from './route.js';
import { Refunds } from './transfers/refunds.js';
import { Settlement } from './transfers/settlement.js';
import { TransferOptions } from './transfers/transfer-options.js';
import { Transfers } from './transfers/transfers.js';
import { Webhooks } from './webhooks.js';

/**
 * All that exists at the sandbox, tokens aside, and the routes to it. A reset makes another one.
 *
 * To add a resource: write a class with `routes` in a file of its own, and name it here.
 */
export class Resources {
  readonly capabilities = new Capabilities();
  readonly accounts: Accounts;
  readonly bankAccounts = new BankAccounts();
  readonly cards = new Cards();
  readonly wallets: Wallets;
  readonly paymentMethods: PaymentMethods;
  readonly transfers: Transfers;
  readonly webhooks = new Webhooks();
  readonly routes: readonly Route[];

  constructor(settings: Settings, recorder: Recorder) {
    const { capabilities, bankAccounts, cards } = this;
    this.accounts = new Accounts(settings, capabilities, recorder);
    this.wallets = new Wallets(settings, capabilities);
    const paymentMethods = new PaymentMethods(this.accounts, bankAccounts, cards, this.wallets);
    this.paymentMethods = paymentMethods;
    const settlement = new Settlement(this.wallets, cards);
    this.transfers = new Transfers(paymentMethods, capabilities, settlement, recorder);
    this.routes = [
      route('GET', '/ping', () => ({ status: 200 })),
      ...this.accounts.routes,
      ...capabilities.routes,
      ...bankAccounts.routes,
      ...cards.routes,
      ...this.wallets.routes,
      ...paymentMethods.routes,
      ...this.transfers.routes,
      ...new Refunds(this.transfers, settlement, recorder).routes,
      ...new TransferOptions(this.accounts, paymentMethods, capabilities).routes,
      ...new Files().routes,
      ...this.webhooks.routes,
    ];
  }
}
