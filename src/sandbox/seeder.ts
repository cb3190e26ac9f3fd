import { derivedID } from './ids.js';
import { methodOfCard, methodOfWallet, methodsOfBankAccount } from './resources/funding/methods.js';
import type { Resources } from './resources/index.js';
import type { SandboxSeed, SeedAccount, Seeded, SeededAccount, SeedHoldings } from './seed.js';

/** Plants seeds. The IDs follow from the place in the seed, so that the same seed gives the same IDs after a reset. */
export class Seeder {
  readonly #platformAccountID: string;
  #planted = 0;

  constructor(platformAccountID: string) {
    this.#platformAccountID = platformAccountID;
  }

  /** To be called when what was planted is gone. */
  reset(): void {
    this.#planted = 0;
  }

  plant({ platform = {}, accounts = [] }: SandboxSeed, resources: Resources): Seeded {
    return {
      platform: this.#equip(this.#platformAccountID, platform, resources),
      accounts: accounts.map((account) => this.#plantAccount(account, resources)),
    };
  }

  #plantAccount(seed: SeedAccount, resources: Resources): SeededAccount {
    this.#planted += 1;
    const accountID = derivedID('seeded account', this.#planted);
    const {
      name = `Seeded account ${this.#planted}`,
      accountType = 'individual',
      foreignID,
      metadata,
    } = seed;
    const [firstName, ...lastNames] = name.split(' ');
    const email = `account-${this.#planted}@example.com`;
    const part =
      accountType === 'business'
        ? { legalBusinessName: name, email }
        : { name: { firstName, lastName: lastNames.join(' ') }, email };
    resources.accounts.add(accountID, { accountType, part, foreignID, metadata });
    return this.#equip(accountID, seed, resources);
  }

  #equip(
    accountID: string,
    { capabilities = [], bankAccounts = [], cards = [], walletBalance }: SeedHoldings,
    resources: Resources,
  ): SeededAccount {
    const account = resources.accounts.get(accountID);
    resources.capabilities.enable(accountID, [
      ...capabilities,
      ...(walletBalance === undefined ? [] : ['wallet']),
    ]);
    resources.wallets.add(accountID, walletBalance ?? 0);
    const holder = { holderName: account.displayName, holderType: account.accountType };
    const [wallet] = resources.wallets.of(accountID);
    return {
      accountID,
      bankAccounts: bankAccounts.map(({ verified = true, ...numbers }) => {
        const nth = resources.bankAccounts.of(accountID).length + 1;
        const bankAccountID = derivedID('seeded bank account', accountID, nth);
        const details = {
          ...holder,
          bankAccountType: 'checking',
          routingNumber: numbers.routingNumber ?? '322271627',
          accountNumber: numbers.accountNumber ?? `12345678${String(nth).padStart(4, '0')}`,
        } as const;
        resources.bankAccounts.add(accountID, bankAccountID, details, verified);
        const methods = methodsOfBankAccount(bankAccountID, verified);
        return {
          bankAccountID,
          paymentMethodIDs: Object.fromEntries(
            methods.map(({ paymentMethodType, paymentMethodID }) => [paymentMethodType, paymentMethodID]),
          ),
        };
      }),
      cards: cards.map(({ cardNumber = '4111111111111111' }) => {
        const cardID = derivedID('seeded card', accountID, resources.cards.of(accountID).length + 1);
        resources.cards.add(accountID, cardID, {
          cardNumber,
          cardCvv: '123',
          expiration: { month: '12', year: '99' },
          holderName: account.displayName,
          billingAddress: { postalCode: '80301' },
        });
        return { cardID, paymentMethodID: methodOfCard(cardID).paymentMethodID };
      }),
      ...(wallet === undefined
        ? {}
        : {
            wallet: {
              walletID: wallet.walletID,
              paymentMethodID: methodOfWallet(wallet.walletID).paymentMethodID,
            },
          }),
    };
  }
}
