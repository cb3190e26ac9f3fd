import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';

/** The headers that Moov signs. The body is not signed. */
export interface SignedHeaders {
  readonly timestamp: string;
  readonly nonce: string;
  readonly webhookID: string;
}

const SIGNATURE_BYTES = 64;
const lowerCaseHex = /^[0-9a-f]{128}$/;

/**
 * Signs the headers of a delivery as Moov does: HMAC-SHA512.
 *
 * @see {@link https://docs.moov.io/guides/webhooks/check-webhook-signatures/ | Moov: check webhook signatures}
 */
export function sign({ timestamp, nonce, webhookID }: SignedHeaders, secret: KeyObject): Buffer {
  return createHmac('sha512', secret).update(`${timestamp}|${nonce}|${webhookID}`).digest();
}

/**
 * Whether one of the secrets made the signature. The work is the same for every wrong signature: also one that has no
 * valid form is compared, and with each secret.
 */
export function isSigned(headers: SignedHeaders, signature: string, secrets: readonly KeyObject[]): boolean {
  const isWellFormed = lowerCaseHex.test(signature);
  const given = Buffer.alloc(SIGNATURE_BYTES);
  given.write(signature, 'hex');
  const matches = secrets.filter((secret) => timingSafeEqual(sign(headers, secret), given));
  return isWellFormed && matches.length > 0;
}
