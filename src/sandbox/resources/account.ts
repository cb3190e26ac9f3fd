import { z } from 'zod';
import { isRecord } from '../http/call.js';
import { labels, mustBe, text } from '../http/fields.js';
import { capabilityID } from './capabilities.js';

/** An account, in the shape of Moov's responses. */
export interface SandboxAccount {
  /** A UUID. */
  readonly accountID: string;
  /** Moov's word for test mode. */
  readonly mode: 'sandbox';
  /** Which of the two `profile` describes. */
  readonly accountType: 'individual' | 'business';
  /** The name of the person or the business. */
  readonly displayName: string;
  /** As it was given: `{ individual: ... }` or `{ business: ... }`. */
  readonly profile: Readonly<Record<string, unknown>>;
  /** The caller's own names and values. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The caller's own ID of it. */
  readonly foreignID?: string | undefined;
  /** As they were given. */
  readonly customerSupport?: Readonly<Record<string, unknown>> | undefined;
  /** As they were given. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** What it may do. */
  readonly capabilities: readonly {
    /** Moov's name of it, such as `transfers`. */
    readonly capability: string;
    /** Nothing is refused here. */
    readonly status: 'enabled';
  }[];
  /** Nothing is verified here. */
  readonly verification: {
    /** The older name. */
    readonly status: 'unverified';
    /** The newer name. */
    readonly verificationStatus: 'unverified';
  };
  /** In ISO 8601; likewise the next two. */
  readonly createdOn: string;
  /** When it was last changed. */
  readonly updatedOn: string;
  /** When the platform gave it up. */
  readonly disconnectedOn?: string;
}

/** An account without what is kept elsewhere. */
export type Stored = Omit<SandboxAccount, 'capabilities'>;

/** An object that is missing has its fields missing: Moov's 422 names these. */
function orEmpty<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => value ?? {}, schema);
}

const name = z.looseObject({ firstName: text, lastName: text }, mustBe('an object'));
const individual = z.looseObject({ name: orEmpty(name) }, mustBe('an object'));
const business = z.looseObject({ legalBusinessName: text }, mustBe('an object'));
/** What a new account is. */
export const identity = z.discriminatedUnion(
  'accountType',
  [
    z.object({
      accountType: z.literal('individual'),
      profile: orEmpty(z.object({ individual: orEmpty(individual) })),
    }),
    z.object({
      accountType: z.literal('business'),
      profile: orEmpty(z.object({ business: orEmpty(business) })),
    }),
  ],
  'must be individual or business',
);

const extras = z.record(z.string(), z.unknown(), 'must be an object').optional();
const shared = { ...labels, customerSupport: extras, settings: extras };

/** Optional fields of a new account. */
export const options = z.object({ ...shared, capabilities: z.array(capabilityID).optional() });

/** What can be changed of an account. */
export const patch = z.object({
  ...shared,
  metadata: labels.metadata.nullable(),
  customerSupport: extras.nullable(),
  profile: z
    .object({
      individual: z.looseObject({ name: name.optional() }).optional(),
      business: z.looseObject({ legalBusinessName: text.optional() }).optional(),
    })
    .optional(),
});

type Part = Readonly<Record<string, unknown>>;

/** The part of an account's profile that goes with its type. */
export function partOf({ profile, accountType }: Pick<Stored, 'profile' | 'accountType'>): Part {
  const part = profile[accountType];
  return isRecord(part) ? part : {};
}

/** The email address of an account; one without has an address that leads nowhere. */
export function emailOf(account: SandboxAccount): string {
  const { email } = partOf(account);
  return typeof email === 'string' ? email : 'nobody@example.com';
}

/** A profile as Moov's responses have it: secrets are dropped, and it says only whether they were given. */
export function redactProfile(
  accountType: Stored['accountType'],
  { birthDate, governmentID, taxID, ...part }: Part,
  before: Part = {},
): Pick<Stored, 'displayName' | 'profile'> {
  if (accountType === 'business') {
    const taxIDProvided = taxID !== undefined || before.taxIDProvided === true;
    const profile = { business: { ...part, taxIDProvided, ownersProvided: false } };
    return { displayName: String(part.legalBusinessName), profile };
  }
  const { firstName, lastName } = isRecord(part.name) ? part.name : {};
  const provided = {
    birthDateProvided: birthDate !== undefined || before.birthDateProvided === true,
    governmentIDProvided: governmentID !== undefined || before.governmentIDProvided === true,
  };
  return {
    displayName: `${firstName} ${lastName}`.trim(),
    profile: { individual: { ...part, ...provided } },
  };
}
