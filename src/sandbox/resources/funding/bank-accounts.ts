import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type ApiResponse, type Call, failure, jsonObject, notServed } from '../../http/call.js';
import { mustBe, readBody, text } from '../../http/fields.js';
import { derivedID } from '../../ids.js';
import { list } from '../lists.js';
import { waitsForPaymentMethod, waitsForRail } from '../request-headers.js';
import { route } from '../route.js';
import { methodsOfBankAccount } from './methods.js';

/** A bank account, in the shape of Moov's responses. */
export interface BankAccount {
  readonly bankAccountID: string;
  readonly fingerprint: string;
  readonly status: 'new' | 'pending' | 'verified' | 'verificationFailed';
  readonly statusReason:
    | 'bank-account-created'
    | 'verification-initiated'
    | 'verification-successful'
    | 'verification-attempts-exceeded';
  readonly holderName: string;
  readonly holderType: 'individual' | 'business';
  readonly bankName: string;
  readonly bankAccountType: 'checking' | 'savings' | 'general-ledger' | 'loan';
  readonly routingNumber: string;
  readonly lastFourAccountNumber: string;
  readonly updatedOn: string;
}

/** What is needed to link one. */
export interface BankAccountDetails
  extends Pick<BankAccount, 'holderName' | 'holderType' | 'bankAccountType' | 'routingNumber'> {
  readonly accountNumber: string;
}

interface Linked {
  readonly bankAccount: BankAccount;
  /** How many wrong codes its verification still takes; absent before the first one is initiated. */
  readonly triesLeft?: number;
}

/** The code of the instant verification that a bank would show. Moov's documents name none for test mode. */
const CODE = '0000';

/** "Users have 14 days and five attempts to submit the code for verification." */
const TRIES = 5;

const linkable = z.object({
  account: z.object(
    {
      holderName: text,
      holderType: z.enum(['individual', 'business'], mustBe('individual or business')),
      bankAccountType: z.enum(
        ['checking', 'savings', 'general-ledger', 'loan'],
        mustBe('checking, savings, general-ledger or loan'),
      ),
      routingNumber: z.string(mustBe('nine digits')).regex(/^\d{9}$/, 'must be nine digits'),
      accountNumber: z.string(mustBe('4 to 17 digits')).regex(/^\d{4,17}$/, 'must be 4 to 17 digits'),
    },
    mustBe('an object'),
  ),
});
const completion = z.object({ code: text });

const one = '/accounts/{accountID}/bank-accounts/{bankAccountID}';
const verification = '/accounts/{accountID}/bank-accounts/{bankAccountID}/verify';

/**
 * Bank accounts, and their instant verification with the code 0000.
 *
 * @see {@link https://docs.moov.io/guides/sources/bank-accounts/ | Moov: bank accounts}
 * @see {@link https://docs.moov.io/guides/sources/bank-accounts/verification/ | Moov: verify bank accounts}
 */
export class BankAccounts {
  /** By account, then by ID. */
  readonly #linked = new Map<string, Map<string, Linked>>();

  readonly routes = [
    route('POST', '/accounts/{accountID}/bank-accounts', (call, { accountID }) =>
      this.#link(call, accountID),
    ),
    route('GET', '/accounts/{accountID}/bank-accounts', (call, { accountID }) =>
      list(call, this.of(accountID), { paged: false }),
    ),
    route('GET', one, (_, { accountID, bankAccountID }) => ({
      status: 200,
      body: this.#find(accountID, bankAccountID).bankAccount,
    })),
    route('DELETE', one, (_, { accountID, bankAccountID }) => this.#disable(accountID, bankAccountID)),
    route('POST', verification, (call, { accountID, bankAccountID }) =>
      this.#initiate(call, accountID, bankAccountID),
    ),
    route('PUT', verification, (call, { accountID, bankAccountID }) =>
      this.#complete(call, accountID, bankAccountID),
    ),
  ];

  of(accountID: string): BankAccount[] {
    return [...(this.#linked.get(accountID)?.values() ?? [])].map(({ bankAccount }) => bankAccount);
  }

  /** Links a bank account under an ID, in the way of Moov's API, or as one that is verified already. */
  add(
    accountID: string,
    bankAccountID: string,
    { accountNumber, ...details }: BankAccountDetails,
    isVerified = false,
  ): BankAccount {
    const bankAccount: BankAccount = {
      bankAccountID,
      fingerprint: fingerprintOf(details.routingNumber, accountNumber),
      status: isVerified ? 'verified' : 'new',
      statusReason: isVerified ? 'verification-successful' : 'bank-account-created',
      ...details,
      bankName: 'Sandbox Bank',
      lastFourAccountNumber: accountNumber.slice(-4),
      updatedOn: new Date().toISOString(),
    };
    this.#put(accountID, { bankAccount });
    return bankAccount;
  }

  #link(call: Call, accountID: string): ApiResponse {
    const other = ['plaid', 'plaidLink', 'mx'].find((name) => name in jsonObject(call));
    if (other !== undefined) throw notServed(`bank accounts linked through "${other}"`);
    const { account } = readBody(call, linkable);
    const fingerprint = fingerprintOf(account.routingNumber, account.accountNumber);
    if (this.of(accountID).some((linked) => linked.fingerprint === fingerprint)) {
      throw failure(409, 'the bank account is linked already');
    }
    const bankAccount = this.add(accountID, randomUUID(), account);
    const paymentMethods = methodsOfBankAccount(bankAccount.bankAccountID, false);
    return {
      status: 200,
      body: waitsForPaymentMethod(call) ? { ...bankAccount, paymentMethods } : bankAccount,
    };
  }

  #disable(accountID: string, bankAccountID: string): ApiResponse {
    this.#find(accountID, bankAccountID);
    this.#linked.get(accountID)?.delete(bankAccountID);
    return { status: 204 };
  }

  #initiate(call: Call, accountID: string, bankAccountID: string): ApiResponse {
    const { bankAccount } = this.#find(accountID, bankAccountID);
    if (bankAccount.status === 'verified') throw failure(409, 'the bank account is verified already');
    const started = changed(bankAccount, 'pending', 'verification-initiated');
    this.#put(accountID, { bankAccount: started, triesLeft: TRIES });
    const status = waitsForRail(call) ? 'sent-credit' : 'new';
    return { status: 200, body: { verificationMethod: 'instant', status } };
  }

  #complete(call: Call, accountID: string, bankAccountID: string): ApiResponse {
    const { code } = readBody(call, completion);
    const { bankAccount, triesLeft = 0 } = this.#find(accountID, bankAccountID);
    if (bankAccount.status !== 'pending') throw failure(409, 'no verification is in progress');
    if (code.replace(/^mv/i, '') === CODE) {
      const verified = changed(bankAccount, 'verified', 'verification-successful');
      this.#put(accountID, { bankAccount: verified });
      return { status: 200, body: { verificationMethod: 'instant', status: 'successful' } };
    }
    const left = triesLeft - 1;
    const failed = changed(bankAccount, 'verificationFailed', 'verification-attempts-exceeded');
    this.#put(accountID, { bankAccount: left === 0 ? failed : bankAccount, triesLeft: left });
    throw failure(422, `the code is wrong; ${left} tries are left`);
  }

  #find(accountID: string, bankAccountID: string): Linked {
    const found = this.#linked.get(accountID)?.get(bankAccountID);
    if (found === undefined) throw failure(404, 'bank account not found');
    return found;
  }

  #put(accountID: string, linked: Linked): void {
    const ofAccount = this.#linked.get(accountID) ?? new Map<string, Linked>();
    this.#linked.set(accountID, ofAccount.set(linked.bankAccount.bankAccountID, linked));
  }
}

function changed(
  bankAccount: BankAccount,
  status: BankAccount['status'],
  statusReason: BankAccount['statusReason'],
): BankAccount {
  return { ...bankAccount, status, statusReason, updatedOn: new Date().toISOString() };
}

function fingerprintOf(routingNumber: string, accountNumber: string): string {
  return derivedID('bank account', routingNumber, accountNumber);
}
