import { z } from 'zod';
import { assertKnown } from '../config/check-options.js';
import { labels, text } from './http/fields.js';
import { derivedID } from './ids.js';
import { capabilityID } from './resources/capabilities.js';
import {
  methodOfCard,
  methodOfWallet,
  methodsOfBankAccount,
  type PaymentMethodType,
} from './resources/funding/methods.js';
import type { Resources } from './resources/index.js';

/** A bank account to begin with. `{}` will do. */
export interface SeedBankAccount {
  /** Whether money can be collected from it. Default `true`. */
  readonly verified?: boolean | undefined;
  /** Nine digits. Default `322271627`. */
  readonly routingNumber?: string | undefined;
  /** Default: one that no other bank account of the seed has. */
  readonly accountNumber?: string | undefined;
}

/** A card to begin with. `{}` will do. */
export interface SeedCard {
  /** Such as Moov's card that is declined, `4000020000000000`. Default `4111111111111111`. */
  readonly cardNumber?: string | undefined;
}

/** What an account has from the beginning. */
export interface SeedHoldings {
  /** What it may do, such as `collect-funds.card-payments`. It can always take part in transfers. Default: no more. */
  readonly capabilities?: readonly string[] | undefined;
  /** Its bank accounts. */
  readonly bankAccounts?: readonly SeedBankAccount[] | undefined;
  /** Its cards. */
  readonly cards?: readonly SeedCard[] | undefined;
  /** What its wallet holds, in cents. An account that is given one has the capability `wallet` too. */
  readonly walletBalance?: number | undefined;
}

/** A connected account to begin with. */
export interface SeedAccount extends SeedHoldings {
  /** The name of the person or the business. Default `Seeded account 1`, with its number. */
  readonly name?: string | undefined;
  /** Default `individual`. */
  readonly accountType?: 'individual' | 'business' | undefined;
  /** Your own ID of it. */
  readonly foreignID?: string | undefined;
  /** Your own names and values. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** What is there to begin with. */
export interface SandboxSeed {
  /** What the platform's own account has, beside a wallet and all capabilities. */
  readonly platform?: SeedHoldings | undefined;
  /** The accounts connected to it. */
  readonly accounts?: readonly SeedAccount[] | undefined;
}

/** The IDs of an account that was seeded. */
export interface SeededAccount {
  /** A UUID. */
  readonly accountID: string;
  /** Its bank accounts, in the order of the seed. */
  readonly bankAccounts: readonly {
    /** A UUID. */
    readonly bankAccountID: string;
    /** The payment method of each type that it has. */
    readonly paymentMethodIDs: Readonly<Partial<Record<PaymentMethodType, string>>>;
  }[];
  /** Its cards, in the order of the seed. */
  readonly cards: readonly {
    /** A UUID. */
    readonly cardID: string;
    /** The one to pay with. */
    readonly paymentMethodID: string;
  }[];
  /** Its wallet, if it has the capability. */
  readonly wallet?: {
    /** A UUID. */
    readonly walletID: string;
    /** The one to pay from, or to be paid to. */
    readonly paymentMethodID: string;
  };
}

/** The IDs of what was seeded. */
export interface Seeded {
  /** The platform's own account. */
  readonly platform: SeededAccount;
  /** The connected accounts, in the order of the seed. */
  readonly accounts: readonly SeededAccount[];
}

const holdings = {
  capabilities: z.array(capabilityID, 'must be a list').optional(),
  bankAccounts: z
    .array(
      z.strictObject({
        verified: z.boolean('must be true or false').optional(),
        routingNumber: z
          .string()
          .regex(/^\d{9}$/, 'must be nine digits')
          .optional(),
        accountNumber: z
          .string()
          .regex(/^\d{4,17}$/, 'must be 4 to 17 digits')
          .optional(),
      }),
      'must be a list',
    )
    .optional(),
  cards: z
    .array(
      z.strictObject({
        cardNumber: z
          .string()
          .regex(/^\d{12,19}$/, 'must be 12 to 19 digits')
          .optional(),
      }),
      'must be a list',
    )
    .optional(),
  walletBalance: z.int('must be whole cents').optional(),
};

const schema = z.strictObject({
  platform: z.strictObject(holdings).optional(),
  accounts: z
    .array(
      z.strictObject({
        ...holdings,
        ...labels,
        name: text.optional(),
        accountType: z.enum(['individual', 'business'], 'must be individual or business').optional(),
      }),
      'must be a list',
    )
    .optional(),
});

/** @throws TypeError for a seed that can't be planted, naming the place. */
export function checkSeed(seed: unknown): SandboxSeed {
  assertKnown({ name: 'seed', noun: 'field', Failure: TypeError }, seed, ['platform', 'accounts']);
  const parsed = schema.safeParse(seed);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = (issue?.path ?? []).map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  throw new TypeError(`seed${place.join('')}: ${issue?.message}.`);
}

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
