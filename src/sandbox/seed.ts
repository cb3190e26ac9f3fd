import { z } from 'zod';
import { assertKnown } from '../config/check-options.js';
import { labels, text } from './http/fields.js';
import { capabilityID } from './resources/capabilities.js';
import type { PaymentMethodType } from './resources/funding/methods.js';

/** A bank account. `{}` is enough. */
export interface SeedBankAccount {
  /** Whether money can be collected from it. Default `true`. */
  readonly verified?: boolean | undefined;
  /** Nine digits. Default `322271627`. */
  readonly routingNumber?: string | undefined;
  /** Default: a number that no other bank account of the seed has. */
  readonly accountNumber?: string | undefined;
}

/** A card. `{}` is enough. */
export interface SeedCard {
  /** For example Moov's declined test card, `4000020000000000`. Default `4111111111111111`. */
  readonly cardNumber?: string | undefined;
}

/** The holdings of an account. */
export interface SeedHoldings {
  /** Its capabilities, such as `collect-funds.card-payments`. It can always take part in transfers. Default: none. */
  readonly capabilities?: readonly string[] | undefined;
  /** Its bank accounts. */
  readonly bankAccounts?: readonly SeedBankAccount[] | undefined;
  /** Its cards. */
  readonly cards?: readonly SeedCard[] | undefined;
  /** The balance of its wallet, in cents. With a balance, the account also has the capability `wallet`. */
  readonly walletBalance?: number | undefined;
}

/** A connected account. */
export interface SeedAccount extends SeedHoldings {
  /** The name of the person or the business. Default `Seeded account 1`, with its number. */
  readonly name?: string | undefined;
  /** Default `individual`. */
  readonly accountType?: 'individual' | 'business' | undefined;
  /** Your own ID for it. */
  readonly foreignID?: string | undefined;
  /** Your own names and values. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** The initial content of a sandbox. */
export interface SandboxSeed {
  /** What the platform's own account has, in addition to a wallet and all capabilities. */
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
    /** The payment method to pay with. */
    readonly paymentMethodID: string;
  }[];
  /** Its wallet, if it has the capability. */
  readonly wallet?: {
    /** A UUID. */
    readonly walletID: string;
    /** The payment method to pay from, or to be paid to. */
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

/** @throws TypeError for an invalid seed, naming the place. */
export function checkSeed(seed: unknown): SandboxSeed {
  assertKnown({ name: 'seed', noun: 'field', Failure: TypeError }, seed, ['platform', 'accounts']);
  const parsed = schema.safeParse(seed);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = (issue?.path ?? []).map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  throw new TypeError(`seed${place.join('')}: ${issue?.message}.`);
}
