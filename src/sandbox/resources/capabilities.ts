import { z } from 'zod';
import { type ApiResponse, type Call, failure } from '../http/call.js';
import { readBody } from '../http/fields.js';
import { list } from './lists.js';
import { route } from './route.js';

/** A capability that an account has requested, in the shape of Moov's responses. */
interface Capability {
  readonly capability: string;
  readonly accountID: string;
  readonly status: 'enabled';
  readonly createdOn: string;
  readonly updatedOn: string;
}

const known = [
  'transfers',
  'send-funds',
  'send-funds.push-to-card',
  'send-funds.ach',
  'send-funds.rtp',
  'send-funds.instant-bank',
  'send-funds.wire',
  'collect-funds',
  'collect-funds.card-payments',
  'collect-funds.ach',
  'money-transfer.push-to-card',
  'money-transfer.pull-from-card',
  'wallet',
  'wallet.balance',
  'card-issuing',
  'issuing.cardholder',
  'production-app',
  'platform.production-app',
  'platform.wallet-transfers',
] as const;

export const capabilityID = z.enum(known, 'is unknown');

/**
 * What accounts may do. A capability is enabled as soon as it is requested: "In test mode, requirements for all
 * capabilities have been satisfied, so they are automatically enabled for you", Moov says of the test account. That the
 * same goes for the accounts connected to it is an assumption.
 *
 * @see {@link https://docs.moov.io/guides/accounts/capabilities/reference/ | Moov: capabilities}
 */
export class Capabilities {
  readonly #byAccount = new Map<string, Map<string, Capability>>();

  readonly routes = [
    route('POST', '/accounts/{accountID}/capabilities', (call, { accountID }) =>
      this.#request(call, accountID),
    ),
    route('GET', '/accounts/{accountID}/capabilities', (call, { accountID }) =>
      list(call, this.of(accountID), { paged: false }),
    ),
    route('GET', '/accounts/{accountID}/capabilities/{capabilityID}', (_, { accountID, capabilityID }) =>
      this.#get(accountID, capabilityID),
    ),
  ];

  of(accountID: string): Capability[] {
    return [...(this.#byAccount.get(accountID)?.values() ?? [])];
  }

  /** Whether an account has a capability, by its name or as a part of another: `send-funds` includes `send-funds.ach`. */
  isEnabled(accountID: string, capability: string): boolean {
    return this.of(accountID).some(
      ({ capability: enabled }) => capability === enabled || capability.startsWith(`${enabled}.`),
    );
  }

  enable(accountID: string, capabilities: readonly string[]): Capability[] {
    const enabled = this.#byAccount.get(accountID) ?? new Map<string, Capability>();
    this.#byAccount.set(accountID, enabled);
    const now = new Date().toISOString();
    return capabilities.map((capability) => {
      const entry = enabled.get(capability) ?? {
        capability,
        accountID,
        status: 'enabled',
        createdOn: now,
        updatedOn: now,
      };
      enabled.set(capability, entry);
      return entry;
    });
  }

  enableAll(accountID: string): void {
    this.enable(accountID, ['transfers', 'send-funds', 'collect-funds', 'wallet']);
  }

  #request(call: Call, accountID: string): ApiResponse {
    // Moov's 422 names the capability at fault, below the field.
    const { capabilities } = readBody(call, requested, 2);
    return { status: 200, body: this.enable(accountID, capabilities) };
  }

  #get(accountID: string, capability: string): ApiResponse {
    const found = this.#byAccount.get(accountID)?.get(capability);
    if (found === undefined) throw failure(404, 'the account has not requested this capability');
    return { status: 200, body: found };
  }
}

const requested = z.object({ capabilities: z.array(capabilityID) });
