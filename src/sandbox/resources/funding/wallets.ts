import { type ApiResponse, failure } from '../../http/call.js';
import { derivedID } from '../../ids.js';
import type { Settings } from '../../options.js';
import type { Capabilities } from '../capabilities.js';
import { list } from '../lists.js';
import { route } from '../route.js';

/** A wallet, in the shape of Moov's responses. */
export interface SandboxWallet {
  /** A UUID. */
  readonly walletID: string;
  /** What can be spent. */
  readonly availableBalance: {
    /** There is no other here. */
    readonly currency: 'USD';
    /** In cents. */
    readonly value: number;
    /** In dollars, such as `12.04`. */
    readonly valueDecimal: string;
  };
  /** The platform's own account. */
  readonly partnerAccountID: string;
  /** Every account has the one. */
  readonly name: 'Default';
  /** None is closed. */
  readonly status: 'active';
  /** Every account has the one. */
  readonly walletType: 'default';
  /** None. */
  readonly description: '';
  /** In ISO 8601. */
  readonly createdOn: string;
}

/**
 * The wallets: one for each account that has the capability `wallet`, by which Moov makes it.
 *
 * @see {@link https://docs.moov.io/guides/sources/wallets/ | Moov: wallets}
 */
export class Wallets {
  readonly #platformAccountID: string;
  readonly #capabilities: Capabilities;
  /** In cents, by account. */
  readonly #balances = new Map<string, number>();

  readonly routes = [
    route('GET', '/accounts/{accountID}/wallets', (call, { accountID }) =>
      list(call, this.of(accountID), {
        filters: {
          status: ({ status }, value) => status === value,
          walletType: ({ walletType }, value) => walletType === value,
        },
      }),
    ),
    route('GET', '/accounts/{accountID}/wallets/{walletID}', (_, { accountID, walletID }) =>
      this.#get(accountID, walletID),
    ),
  ];

  constructor({ platformAccountID }: Settings, capabilities: Capabilities) {
    this.#platformAccountID = platformAccountID;
    this.#capabilities = capabilities;
  }

  of(accountID: string): SandboxWallet[] {
    const enabled = this.#capabilities
      .of(accountID)
      .find(({ capability }) => capability.startsWith('wallet'));
    if (enabled === undefined) return [];
    const value = this.balanceOf(accountID);
    return [
      {
        walletID: derivedID('wallet', accountID),
        availableBalance: { currency: 'USD', value, valueDecimal: (value / 100).toFixed(2) },
        partnerAccountID: this.#platformAccountID,
        name: 'Default',
        status: 'active',
        walletType: 'default',
        description: '',
        createdOn: enabled.createdOn,
      },
    ];
  }

  balanceOf(accountID: string): number {
    return this.#balances.get(accountID) ?? 0;
  }

  /**
   * Adds cents to a balance, or takes them off. It may become negative: Moov takes refunds and returns from it whatever
   * is there.
   *
   * @see {@link https://docs.moov.io/guides/sources/wallets/balance/ | Moov: wallet balance}
   */
  add(accountID: string, cents: number): void {
    this.#balances.set(accountID, this.balanceOf(accountID) + cents);
  }

  #get(accountID: string, walletID: string): ApiResponse {
    const wallet = this.of(accountID).find((one) => one.walletID === walletID);
    if (wallet === undefined) throw failure(404, 'wallet not found');
    return { status: 200, body: wallet };
  }
}
