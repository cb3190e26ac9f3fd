import { randomUUID } from 'node:crypto';
import { type ApiResponse, bare, type Call, failure } from '../http/call.js';
import { readBody } from '../http/fields.js';
import type { Settings } from '../options.js';
import type { Recorder } from '../recorder.js';
import {
  emailOf,
  identity,
  options,
  partOf,
  patch,
  redactProfile,
  type SandboxAccount,
  type Stored,
} from './account.js';
import type { Capabilities } from './capabilities.js';
import { list } from './lists.js';
import { route } from './route.js';

/** What is described of an account when it is made. */
export type AccountDetails = Pick<Stored, 'accountType' | 'metadata' | 'foreignID'> & {
  /** The part of its profile that goes with its type, with secrets. */
  readonly part: Readonly<Record<string, unknown>>;
};

/**
 * The accounts there are: the platform's own, and what was created.
 *
 * @see {@link https://docs.moov.io/api/moov-accounts/accounts/ | Moov: accounts}
 */
export class Accounts {
  readonly #accounts = new Map<string, Stored>();
  readonly #capabilities: Capabilities;
  readonly #recorder: Recorder;

  readonly routes = [
    route('POST', '/accounts', (call) => this.#create(call)),
    route('GET', '/accounts', (call) => this.#list(call)),
    // Moov's reference asks for profile.read; /accounts.read, which lists it, shows the same.
    route('GET', '/accounts/{accountID}', (_, { accountID }) => this.#response(accountID), [
      '/accounts/{accountID}/profile.read',
      '/accounts.read',
    ]),
    route('PATCH', '/accounts/{accountID}', (call, { accountID }) => this.#update(call, accountID), [
      '/accounts/{accountID}/profile.write',
    ]),
    route('DELETE', '/accounts/{accountID}', (_, { accountID }) => this.#disconnect(accountID), [
      '/accounts/{accountID}/profile.disconnect',
    ]),
  ];

  constructor({ platformAccountID }: Settings, capabilities: Capabilities, recorder: Recorder) {
    this.#capabilities = capabilities;
    this.#recorder = recorder;
    const part = { legalBusinessName: 'Sandbox Platform', email: 'platform@example.com' };
    this.add(platformAccountID, { accountType: 'business', part });
    capabilities.enableAll(platformAccountID);
  }

  get ids(): Iterable<string> {
    return this.#accounts.keys();
  }

  get all(): SandboxAccount[] {
    return Array.from(this.ids, (accountID) => this.get(accountID));
  }

  /** @throws Refusal with 404 for an account that does not exist. */
  get(accountID: string): SandboxAccount {
    const account = this.#stored(accountID);
    const capabilities = this.#capabilities
      .of(accountID)
      .map(({ capability, status }) => ({ capability, status }));
    return { ...account, capabilities };
  }

  find(accountID: string): SandboxAccount | undefined {
    return this.#accounts.has(accountID) ? this.get(accountID) : undefined;
  }

  /**
   * Refuses what Moov refuses for an account whatever the operation. A disconnected one can only be read.
   *
   * @throws Refusal with 404 for an account that does not exist, with 403 for one that is disconnected.
   */
  check(method: string, accountID: string): void {
    const { disconnectedOn } = this.#stored(accountID);
    if (method !== 'GET' && disconnectedOn !== undefined) throw bare(403, 'the account is disconnected');
  }

  add(accountID: string, { accountType, part, ...details }: AccountDetails): void {
    const now = new Date().toISOString();
    this.#accounts.set(accountID, {
      accountID,
      mode: 'sandbox',
      accountType,
      ...redactProfile(accountType, part),
      ...details,
      verification: { status: 'unverified', verificationStatus: 'unverified' },
      createdOn: now,
      updatedOn: now,
    });
    // Every account has it from the start: https://docs.moov.io/guides/accounts/capabilities/reference/
    this.#capabilities.enable(accountID, ['transfers']);
  }

  #create(call: Call): ApiResponse {
    const { accountType, profile } = readBody(call, identity, Number.POSITIVE_INFINITY);
    const { capabilities = [], ...details } = readBody(call, options, Number.POSITIVE_INFINITY);
    const part = 'individual' in profile ? profile.individual : profile.business;
    const accountID = randomUUID();
    this.add(accountID, { accountType, part, ...details });
    this.#capabilities.enable(accountID, capabilities);
    this.#recorder.count('accountsCreated');
    return this.#response(accountID);
  }

  #list(call: Call): ApiResponse {
    const isListed = ({ disconnectedOn }: SandboxAccount) =>
      disconnectedOn === undefined || call.query.get('includeDisconnected') === 'true';
    return list(call, this.all.filter(isListed), {
      flags: ['includeDisconnected'],
      filters: {
        capability: ({ capabilities }, value) =>
          value.split(',').every((one) => capabilities.some(({ capability }) => capability === one)),
        capabilityStatus: ({ capabilities }, value) => capabilities.some(({ status }) => status === value),
        email: (account, value) => emailOf(account) === value,
        foreignID: ({ foreignID }, value) => foreignID === value,
        includeDisconnected: () => true,
        name: ({ displayName }, value) => displayName.toLowerCase().includes(value.toLowerCase()),
        type: ({ accountType }, value) => accountType === value,
      },
    });
  }

  #update(call: Call, accountID: string): ApiResponse {
    const account = this.#stored(accountID);
    const {
      profile,
      metadata = account.metadata,
      customerSupport = account.customerSupport,
      ...rest
    } = readBody(call, patch, Number.POSITIVE_INFINITY);
    const { accountType } = account;
    const known = partOf(account);
    this.#accounts.set(accountID, {
      ...account,
      ...rest,
      // null takes a value away.
      metadata: metadata ?? undefined,
      customerSupport: customerSupport ?? undefined,
      ...redactProfile(accountType, { ...known, ...profile?.[accountType] }, known),
      updatedOn: new Date().toISOString(),
    });
    return this.#response(accountID);
  }

  #disconnect(accountID: string): ApiResponse {
    const account = this.#stored(accountID);
    this.#accounts.set(accountID, { ...account, disconnectedOn: new Date().toISOString() });
    return { status: 204 };
  }

  #response(accountID: string): ApiResponse {
    return { status: 200, body: this.get(accountID) };
  }

  #stored(accountID: string): Stored {
    const account = this.#accounts.get(accountID);
    if (account === undefined) throw failure(404, 'account not found');
    return account;
  }
}
