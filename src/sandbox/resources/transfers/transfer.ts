import type { PaymentMethodType } from '../funding/methods.js';
import type { PaymentMethod } from '../funding/payment-methods.js';

/** Money. */
export interface SandboxAmount {
  /** Three letters, such as `USD` (ISO 4217). */
  readonly currency: string;
  /** In the currency's smallest unit: cents. */
  readonly value: number;
}

/** How far a transfer has come on the card network or on ACH. */
export interface SandboxRailDetails {
  /**
   * Of a card: `confirmed`, `completed`, `failed`, `canceled`. Of ACH: `initiated`, `completed`, `returned`,
   * `canceled`.
   */
  readonly status: string;
  /** Why a card was declined. */
  readonly failureCode?: string;
  /** Why ACH has returned the money, such as `R01`. */
  readonly return?: {
    /** As ACH numbers its reasons. */
    readonly code: string;
    /** In words. */
    readonly reason: string;
  };
  /** When it came to each status, such as `completedOn`, in ISO 8601. */
  readonly [time: `${string}On`]: string;
}

/** One end of a transfer. */
export interface SandboxTransferParty {
  /** The payment method that the request named. */
  readonly paymentMethodID: string;
  /** The rail of the payment method. */
  readonly paymentMethodType: PaymentMethodType;
  /** The account that the payment method belongs to. */
  readonly account: {
    /** A UUID. */
    readonly accountID: string;
    /** The email address in its profile. */
    readonly email: string;
    /** The account's name. */
    readonly displayName: string;
  };
  /** The status, if the payment method is a card. */
  readonly cardDetails?: SandboxRailDetails;
  /** The status, if the payment method is a bank account. */
  readonly achDetails?: SandboxRailDetails;
}

/** How far a transfer has come. */
export type SandboxTransferStatus = 'pending' | 'completed' | 'failed' | 'canceled' | 'reversed';

/** A refund, in the shape of Moov's responses. */
export interface RefundResponse {
  /** A UUID. */
  readonly refundID: string;
  /** In ISO 8601; likewise the next. */
  readonly createdOn: string;
  /** Equal to `createdOn`. */
  readonly updatedOn: string;
  /** It is complete at once. */
  readonly status: 'completed';
  /** The refunded amount. */
  readonly amount: SandboxAmount;
}

/** The cancellation of a transfer, in the shape of Moov's responses. It is complete at once. */
export interface SandboxCancellation {
  /** A UUID. */
  readonly cancellationID: string;
  /** It is complete at once. */
  readonly status: 'completed';
  /** In ISO 8601. */
  readonly createdOn: string;
}

/** A transfer, in the shape of Moov's responses. */
export interface TransferResponse {
  /** A UUID. */
  readonly transferID: string;
  /** In ISO 8601; likewise the next. */
  readonly createdOn: string;
  /** When its money arrived, in ISO 8601. */
  readonly completedOn?: string;
  /** How far it has come. */
  readonly status: SandboxTransferStatus;
  /** Why it has failed. */
  readonly failureReason?: string;
  /** How much was moved. */
  readonly amount: SandboxAmount;
  /** The paying party. */
  readonly source: SandboxTransferParty;
  /** The party that is paid. */
  readonly destination: SandboxTransferParty;
  /** The description in the request. */
  readonly description?: string | undefined;
  /** The caller's own names and values. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The caller's own ID of it. */
  readonly foreignID?: string | undefined;
  /** Its cancellations; absent when nothing has. */
  readonly cancellations?: readonly SandboxCancellation[];
  /** The sum of its refunds; absent when there is none. */
  readonly refundedAmount?: SandboxAmount;
  /** Its refunds, oldest first; absent when there is none. */
  readonly refunds?: readonly Omit<SandboxRefund, 'idempotencyKey' | 'transferID'>[];
}

/** A transfer that exists, with the key it was made under. */
export interface SandboxTransfer extends TransferResponse {
  /** The `X-Idempotency-Key` of the request that made it. */
  readonly idempotencyKey: string;
}

/** A refund that exists, by whichever route, with the key it was made under. */
export interface SandboxRefund extends RefundResponse {
  /** The `X-Idempotency-Key` of the request that made it. */
  readonly idempotencyKey: string;
  /** The refunded transfer. */
  readonly transferID: string;
}

/** One end of a transfer, with the source of its money. */
export interface Party extends SandboxTransferParty, Pick<PaymentMethod, 'bankAccount' | 'card' | 'wallet'> {}

/** A transfer as it is kept: what moves it on replaces parts of it. */
export interface Transfer {
  readonly idempotencyKey: string;
  readonly transferID: string;
  readonly createdOn: string;
  readonly amount: SandboxAmount;
  readonly description: string | undefined;
  metadata: Readonly<Record<string, string>> | undefined;
  foreignID: string | undefined;
  source: Party;
  destination: Party;
  status: SandboxTransferStatus;
  completedOn?: string;
  failureReason?: string;
  readonly cancellations: SandboxCancellation[];
  readonly refunds: SandboxRefund[];
}

/** A transfer as Moov shows it. */
export function transferResponse(transfer: Transfer): TransferResponse {
  const { idempotencyKey: _, refunds, cancellations, ...response } = transfer;
  const refundedAmount = { currency: response.amount.currency, value: refundedCents(transfer) };
  return {
    ...response,
    ...(cancellations.length === 0 ? {} : { cancellations }),
    ...(refunds.length === 0 ? {} : { refundedAmount, refunds: refunds.map(refundResponse) }),
  };
}

/** A refund as Moov shows it. */
export function refundResponse({
  refundID,
  createdOn,
  updatedOn,
  status,
  amount,
}: SandboxRefund): RefundResponse {
  return { refundID, createdOn, updatedOn, status, amount };
}

/** What is refunded of a transfer already, in cents. */
export function refundedCents({ refunds }: Transfer): number {
  return refunds.reduce((sum, { amount }) => sum + amount.value, 0);
}
