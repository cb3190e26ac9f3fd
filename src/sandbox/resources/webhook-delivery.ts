import { createHmac, randomBytes, randomUUID } from 'node:crypto';

/** An event as Moov sends it. */
export interface WebhookEvent {
  readonly eventID: string;
  readonly type: string;
  readonly data: object;
  readonly createdOn: string;
}

/** Moov gives up a delivery that has no response by then. */
const TIME_LIMIT_MS = 5_000;

export function webhookEvent(type: string, data: object): WebhookEvent {
  return { eventID: randomUUID(), type, data, createdOn: new Date().toISOString() };
}

/**
 * Sends an event, signed as Moov signs: HMAC-SHA512 of time, nonce and the webhook's ID, not of the body.
 *
 * @returns the status of the response, or 0 when there was none within five seconds.
 * @see {@link https://docs.moov.io/guides/webhooks/set-up-webhooks/ | Moov: verify events were sent by Moov}
 */
export async function deliver(
  { webhookID, url }: { readonly webhookID: string; readonly url: string },
  secret: string,
  event: WebhookEvent,
): Promise<number> {
  const timestamp = new Date().toISOString();
  const nonce = randomBytes(30).toString('hex');
  const signed = `${timestamp}|${nonce}|${webhookID}`;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-timestamp': timestamp,
        'x-nonce': nonce,
        'x-webhook-id': webhookID,
        'x-signature': createHmac('sha512', secret).update(signed).digest('hex'),
      },
      body: JSON.stringify(event),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIME_LIMIT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}
