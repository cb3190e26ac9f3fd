import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  type ApiResponse,
  type Call,
  failure,
  invalid,
  jsonObject,
  notServed,
  Refusal,
} from '../../http/call.js';
import { mustBe, optionalText, readBody, text } from '../../http/fields.js';
import { derivedID } from '../../ids.js';
import { list } from '../lists.js';
import { waitsForPaymentMethod } from '../request-headers.js';
import { route } from '../route.js';
import { methodOfCard } from './methods.js';

type Verification = 'match' | 'noMatch' | 'notChecked' | 'unavailable';

/** A card, in the shape of Moov's responses. */
export interface Card {
  readonly cardID: string;
  readonly fingerprint: string;
  readonly brand: 'American Express' | 'Discover' | 'Mastercard' | 'Visa' | 'Unknown';
  readonly cardType: 'credit';
  readonly lastFourCardNumber: string;
  readonly bin: string;
  readonly expiration: { readonly month: string; readonly year: string };
  readonly holderName?: string | undefined;
  readonly billingAddress: Readonly<Record<string, unknown>>;
  readonly cardVerification: {
    readonly cvv: Verification;
    readonly addressLine1: Verification;
    readonly postalCode: Verification;
  };
  readonly issuer: string;
  readonly issuerCountry: 'US';
  readonly cardOnFile?: boolean | undefined;
  readonly merchantAccountID?: string | undefined;
}

const cardDetails = z.object({
  cardNumber: z.string(mustBe('12 to 19 digits')).regex(/^\d{12,19}$/, 'must be 12 to 19 digits'),
  cardCvv: z.string(mustBe('3 or 4 digits')).regex(/^\d{3,4}$/, 'must be 3 or 4 digits'),
  expiration: z.object(
    {
      month: z.string(mustBe('two digits')).regex(/^(0[1-9]|1[0-2])$/, 'must be 01 to 12'),
      year: z.string(mustBe('two digits')).regex(/^\d{2}$/, 'must be two digits'),
    },
    mustBe('an object'),
  ),
  billingAddress: z.looseObject({ postalCode: text }, mustBe('an object')),
  holderName: optionalText,
  cardOnFile: z.boolean('must be true or false').optional(),
  merchantAccountID: optionalText,
});

/** What is needed to link a card. */
export type CardDetails = z.infer<typeof cardDetails>;

const one = '/accounts/{accountID}/cards/{cardID}';

/** Moov's test card that is declined. */
const DECLINED_CARD = '4000020000000000';

/**
 * Cards. Numbers and CVVs are not kept.
 *
 * @see {@link https://docs.moov.io/guides/sources/cards/ | Moov: cards}
 * @see {@link https://docs.moov.io/guides/developer-tools/test-data/ | Moov: test mode data}
 */
export class Cards {
  /** By account, then by ID. */
  readonly #linked = new Map<string, Map<string, Card>>();
  /** The IDs of cards that are declined. */
  readonly #declined = new Set<string>();

  readonly routes = [
    route('POST', '/accounts/{accountID}/cards', (call, { accountID }) => this.#link(call, accountID)),
    route('GET', '/accounts/{accountID}/cards', (call, { accountID }) =>
      list(call, this.of(accountID), { paged: false }),
    ),
    route('GET', one, (_, { accountID, cardID }) => ({ status: 200, body: this.#find(accountID, cardID) })),
    route('DELETE', one, (_, { accountID, cardID }) => this.#disable(accountID, cardID)),
  ];

  of(accountID: string): Card[] {
    return [...(this.#linked.get(accountID)?.values() ?? [])];
  }

  isDeclined(cardID: string): boolean {
    return this.#declined.has(cardID);
  }

  add(accountID: string, cardID: string, { cardNumber, cardCvv, ...details }: CardDetails): Card {
    const card: Card = {
      cardID,
      fingerprint: derivedID('card', cardNumber),
      brand: brands[cardNumber.slice(0, 1)] ?? 'Unknown',
      cardType: 'credit',
      lastFourCardNumber: cardNumber.slice(-4),
      bin: cardNumber.slice(0, 6),
      ...details,
      cardVerification: {
        cvv: verificationOf(cardCvv),
        addressLine1: details.billingAddress.addressLine1 === undefined ? 'notChecked' : 'match',
        postalCode: verificationOf(details.billingAddress.postalCode),
      },
      issuer: 'Sandbox Bank',
      issuerCountry: 'US',
    };
    const ofAccount = this.#linked.get(accountID) ?? new Map<string, Card>();
    this.#linked.set(accountID, ofAccount.set(cardID, card));
    if (cardNumber === DECLINED_CARD) this.#declined.add(cardID);
    return card;
  }

  #link(call: Call, accountID: string): ApiResponse {
    const other = ['e2ee', 'verifyName'].find((name) => name in jsonObject(call));
    if (other !== undefined) throw notServed(`"${other}" of cards`);
    const details = readBody(call, cardDetails);
    if (isOver(details.expiration)) throw invalid({ expiration: 'must be in the future' });
    const existing = this.of(accountID).find(
      ({ fingerprint }) => fingerprint === derivedID('card', details.cardNumber),
    );
    if (existing !== undefined) {
      const body = { error: 'the card is linked already', existingCardID: existing.cardID };
      throw new Refusal({ status: 409, body });
    }
    const card = this.add(accountID, randomUUID(), details);
    const paymentMethods = [methodOfCard(card.cardID)];
    return { status: 200, body: waitsForPaymentMethod(call) ? { ...card, paymentMethods } : card };
  }

  #disable(accountID: string, cardID: string): ApiResponse {
    this.#find(accountID, cardID);
    this.#linked.get(accountID)?.delete(cardID);
    return { status: 204 };
  }

  #find(accountID: string, cardID: string): Card {
    const card = this.#linked.get(accountID)?.get(cardID);
    if (card === undefined) throw failure(404, 'card not found');
    return card;
  }
}

const brands: Readonly<Record<string, Card['brand']>> = {
  2: 'Mastercard',
  3: 'American Express',
  4: 'Visa',
  5: 'Mastercard',
  6: 'Discover',
};

/** By Moov's test data: a postal code or a CVV of the same digits says what its check is to find. */
function verificationOf(digits: string): Verification {
  if (/^2+$/.test(digits)) return 'noMatch';
  if (/^8+$/.test(digits)) return 'notChecked';
  return /^9+$/.test(digits) ? 'unavailable' : 'match';
}

/** A card is good until the end of the month it names. */
function isOver({ month, year }: CardDetails['expiration']): boolean {
  return Date.now() >= Date.UTC(2000 + Number(year), Number(month));
}
