import { randomUUID } from 'node:crypto';
import { type ApiResponse, type Call, failure, invalid, isRecord, jsonObject } from './http.js';
import { listed } from './lists.js';
import type { Settings } from './options.js';
import type { Recorder } from './recorder.js';

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
  readonly metadata?: Readonly<Record<string, string>>;
  /** The caller's own ID of it. */
  readonly foreignID?: string;
  /** Nothing is verified here. */
  readonly verification: {
    /** The older name. */
    readonly status: 'unverified';
    /** The newer name. */
    readonly verificationStatus: 'unverified';
  };
  /** In ISO 8601; likewise the next. */
  readonly createdOn: string;
  /** Equal to `createdOn`, as nothing changes an account here. */
  readonly updatedOn: string;
}

type Identity = Pick<SandboxAccount, 'accountType' | 'displayName' | 'profile'>;

/** The accounts there are: the platform's own, and what was created. */
export class Accounts {
  readonly #accounts = new Map<string, SandboxAccount>();
  readonly #recorder: Recorder;

  constructor(settings: Settings, recorder: Recorder) {
    this.#recorder = recorder;
    const profile = { business: { legalBusinessName: 'Sandbox Platform', ownersProvided: false } };
    this.#add(settings.platformAccountID, {
      accountType: 'business',
      displayName: 'Sandbox Platform',
      profile,
    });
  }

  get all(): SandboxAccount[] {
    return [...this.#accounts.values()];
  }

  /** @throws Refusal with 404 for an account that does not exist. */
  get(accountID: string): SandboxAccount {
    const account = this.#accounts.get(accountID);
    if (account === undefined) throw failure(404, 'account not found');
    return account;
  }

  /** `POST /accounts` */
  create(call: Call): ApiResponse {
    const body = jsonObject(call);
    const identity = readIdentity(body);
    const account = this.#add(randomUUID(), identity, readLabels(body));
    this.#recorder.count('accountsCreated');
    return { status: 200, body: account };
  }

  /** `GET /accounts`, filtered by `foreignID`, `type`, and a part of the `name` */
  list(call: Call): ApiResponse {
    const body = listed(this.all, call.query, {
      foreignID: ({ foreignID }, value) => foreignID === value,
      type: ({ accountType }, value) => accountType === value,
      name: ({ displayName }, value) => displayName.toLowerCase().includes(value.toLowerCase()),
    });
    return { status: 200, body };
  }

  #add(accountID: string, identity: Identity, labels: Labels = {}): SandboxAccount {
    const now = new Date().toISOString();
    const account: SandboxAccount = {
      accountID,
      mode: 'sandbox',
      ...identity,
      ...labels,
      verification: { status: 'unverified', verificationStatus: 'unverified' },
      createdOn: now,
      updatedOn: now,
    };
    this.#accounts.set(accountID, account);
    return account;
  }
}

/** What callers may write on a thing of theirs. */
export interface Labels {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly foreignID?: string;
}

/** @throws Refusal with 422 for labels of another kind. */
export function readLabels({ metadata, foreignID }: Record<string, unknown>): Labels {
  if (metadata !== undefined && !isStringRecord(metadata)) throw invalid({ metadata: 'must hold strings' });
  if (foreignID !== undefined && typeof foreignID !== 'string')
    throw invalid({ foreignID: 'must be a string' });
  return {
    ...(metadata === undefined ? {} : { metadata }),
    ...(foreignID === undefined ? {} : { foreignID }),
  };
}

/** Secrets are dropped, as in Moov's responses, which say only that they were given. */
function readIdentity({ accountType, profile }: Record<string, unknown>): Identity {
  if (accountType !== 'individual' && accountType !== 'business') {
    throw invalid({ accountType: 'must be individual or business' });
  }
  const part = isRecord(profile) && isRecord(profile[accountType]) ? profile[accountType] : {};
  if (accountType === 'business') {
    const { taxID, ...business } = part;
    if (!isText(business.legalBusinessName)) {
      throw invalid({ profile: { business: { legalBusinessName: 'is required' } } });
    }
    return {
      accountType,
      displayName: business.legalBusinessName,
      profile: { business: { ...business, taxIDProvided: taxID !== undefined, ownersProvided: false } },
    };
  }
  const { birthDate, governmentID, ...individual } = part;
  const { firstName, lastName } = isRecord(individual.name) ? individual.name : {};
  if (!isText(firstName) || !isText(lastName)) {
    const wrong = isText(firstName) ? { lastName: 'is required' } : { firstName: 'is required' };
    throw invalid({ profile: { individual: { name: wrong } } });
  }
  return {
    accountType,
    displayName: `${firstName} ${lastName}`,
    profile: {
      individual: {
        ...individual,
        birthDateProvided: birthDate !== undefined,
        governmentIDProvided: governmentID !== undefined,
      },
    },
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((entry) => typeof entry === 'string');
}
