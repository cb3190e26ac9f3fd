import type { Cards } from '../funding/cards.js';
import type { Wallets } from '../funding/wallets.js';
import type { Party, SandboxRailDetails, Transfer } from './transfer.js';

/** What `settle` can make of a transfer. */
export type SettledStatus = 'completed' | 'failed' | 'reversed';

/** Cents of Moov's test data: ACH returns a transfer of as many as R01. */
const RETURNED_CENTS = 5501;

const insufficientFunds = { code: 'R01', reason: 'Insufficient Funds' };

/**
 * Moves the money of a transfer. A wallet that pays is debited at once, and one that is paid by a wallet is
 * credited at once. Money of cards and banks counts in a wallet once it has settled.
 *
 * @see {@link https://docs.moov.io/guides/sources/wallets/balance/ | Moov: wallet balance}
 * @see {@link https://docs.moov.io/guides/money-movement/events-and-statuses/ | Moov: events and statuses}
 * @see {@link https://docs.moov.io/guides/developer-tools/test-data/ | Moov: test mode data}
 */
export class Settlement {
  readonly #wallets: Wallets;
  readonly #cards: Cards;

  constructor(wallets: Wallets, cards: Cards) {
    this.#wallets = wallets;
    this.#cards = cards;
  }

  /** Takes a new transfer as far as it gets without its networks. */
  begin(transfer: Transfer): void {
    const { source, destination, amount } = transfer;
    if (source.wallet !== undefined) {
      if (this.#wallets.balanceOf(source.account.accountID) < amount.value) {
        fail(transfer, 'wallet-insufficient-funds');
        return;
      }
      this.#move(source, -amount.value);
      if (destination.wallet !== undefined) this.#complete(transfer);
      else transfer.destination = onRail(destination, 'initiated');
      return;
    }
    transfer.source = onRail(source, 'initiated');
    if (source.card === undefined) return;
    if (this.#cards.isDeclined(source.card.cardID)) {
      // Moov's documents do not say which of its failure codes the test card has.
      transfer.source = onRail(transfer.source, 'failed', { failureCode: 'call-issuer' });
      fail(transfer, 'source-payment-error');
    } else {
      transfer.source = onRail(transfer.source, 'confirmed');
    }
  }

  /**
   * @param status - Default: `completed`, or `failed` for an amount that ACH returns in Moov's test mode.
   * @throws Error for a status that the transfer can't come to from where it is. A payment with a refund can't fail:
   * Moov's documents do not say what becomes of its refund.
   */
  settle(transfer: Transfer, status?: SettledStatus): void {
    const target = status ?? (isReturnedByACH(transfer) ? 'failed' : 'completed');
    const isACH = [transfer.source, transfer.destination].some(
      ({ bankAccount }) => bankAccount !== undefined,
    );
    const from = target === 'reversed' ? 'completed' : 'pending';
    if (transfer.status !== from || (target === 'reversed' && !isACH)) {
      throw new Error(
        `settle: a transfer can become ${target} when it is ${from}${target === 'reversed' ? ' and goes over ACH' : ''}; this one is ${transfer.status}.`,
      );
    }
    // The refund has debited the wallet already, for money that would never come.
    if (target === 'failed' && transfer.refunds.length > 0) {
      throw new Error('settle: a transfer with a refund can only become completed.');
    }
    if (target === 'completed') {
      transfer.source = onRail(transfer.source, 'completed');
      transfer.destination = onRail(transfer.destination, 'completed');
      this.#complete(transfer);
      return;
    }
    this.#comeBack(transfer, target);
  }

  /** Cancels a transfer that is pending, whose networks have not moved its money. */
  cancel(transfer: Transfer): void {
    transfer.source = onRail(transfer.source, 'canceled');
    transfer.destination = onRail(transfer.destination, 'canceled');
    transfer.status = 'canceled';
    if (transfer.source.wallet !== undefined) this.#move(transfer.source, transfer.amount.value);
  }

  /** Takes the refunded amount from the wallet that was paid. */
  refund(transfer: Transfer, cents: number): void {
    this.#move(transfer.destination, -cents);
  }

  #complete(transfer: Transfer): void {
    transfer.status = 'completed';
    transfer.completedOn = new Date().toISOString();
    if (transfer.destination.wallet !== undefined) this.#move(transfer.destination, transfer.amount.value);
  }

  /** A network gives the money back: before it has settled, which fails the transfer, or after, which reverses it. */
  #comeBack(transfer: Transfer, status: 'failed' | 'reversed'): void {
    const { source, destination, amount } = transfer;
    if (source.wallet === undefined) {
      transfer.source = cameBack(source);
      if (status === 'reversed') this.#move(destination, -amount.value);
    } else {
      transfer.destination = cameBack(destination);
      this.#move(source, amount.value);
    }
    if (status === 'reversed') transfer.status = status;
    else fail(transfer, source.wallet === undefined ? 'source-payment-error' : 'destination-payment-error');
  }

  #move({ account }: Party, cents: number): void {
    this.#wallets.add(account.accountID, cents);
  }
}

function fail(transfer: Transfer, failureReason: string): void {
  transfer.status = 'failed';
  transfer.failureReason = failureReason;
}

function isReturnedByACH({ source, destination, amount }: Transfer): boolean {
  const isACH = source.bankAccount !== undefined || destination.bankAccount !== undefined;
  return isACH && amount.value === RETURNED_CENTS;
}

function cameBack(party: Party): Party {
  return party.card === undefined
    ? onRail(party, 'returned', { return: insufficientFunds })
    : onRail(party, 'failed', { failureCode: 'call-issuer' });
}

/** A party whose card or bank account has come to a status; a wallet has none. */
function onRail(
  party: Party,
  status: string,
  more: Partial<Pick<SandboxRailDetails, 'failureCode' | 'return'>> = {},
): Party {
  const details = { status, ...more, [`${status}On`]: new Date().toISOString() };
  if (party.card !== undefined) return { ...party, cardDetails: { ...party.cardDetails, ...details } };
  if (party.bankAccount !== undefined) return { ...party, achDetails: { ...party.achDetails, ...details } };
  return party;
}
