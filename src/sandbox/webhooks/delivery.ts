import { createSecretKey, randomInt, randomUUID } from 'node:crypto';
import { TimeLimit } from '../../utils/time-limit.js';
import { Timers } from '../../utils/timers.js';
import type { MoovEventType } from '../../webhooks/event.js';
import { sign } from '../../webhooks/signature.js';

/** A webhook as far as its deliveries go. */
export interface Signer {
  readonly webhookID: string;
  readonly secret: string;
}

/** A request to an application, the same in each attempt. */
export interface Delivery {
  readonly event: { readonly eventID: string; readonly type: string; readonly createdOn: string };
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How long Moov waits for a 2xx. */
const ATTEMPT_MS = 5_000;

const NONCE_LENGTH = 60;
const nonceCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * Makes an event and signs its headers, not its body, as Moov does. All have the forms of Moov's published test vector.
 *
 * @throws TypeError for data that can't be JSON.
 * @see {@link https://docs.moov.io/guides/webhooks/check-webhook-signatures/ | Moov: check webhook signatures}
 */
export function createDelivery({ webhookID, secret }: Signer, type: MoovEventType, data: unknown): Delivery {
  const timestamp = `${new Date().toISOString().slice(0, 19)}Z`;
  const event = { eventID: randomUUID(), type, data, createdOn: timestamp };
  const signed = { timestamp, nonce: randomNonce(), webhookID };
  return {
    event,
    headers: {
      'Content-Type': 'application/json',
      'X-Timestamp': signed.timestamp,
      'X-Nonce': signed.nonce,
      'X-Webhook-ID': signed.webhookID,
      'X-Signature': sign(signed, createSecretKey(Buffer.from(secret))).toString('hex'),
    },
    body: JSON.stringify(event),
  };
}

function randomNonce(): string {
  return Array.from({ length: NONCE_LENGTH }, () => nonceCharacters[randomInt(nonceCharacters.length)]).join(
    '',
  );
}

/**
 * Sends a delivery on a connection of its own. A kept one may have been closed by the application in the meantime, which
 * would look like an attempt without a response.
 *
 * @returns the status, or 0 when there was no whole response within 5 seconds, or the signal aborted.
 */
export async function attempt(
  url: string,
  { headers, body }: Delivery,
  signal?: AbortSignal,
): Promise<number> {
  const limit = new TimeLimit(ATTEMPT_MS, new Timers(true), signal);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, Connection: 'close' },
      body,
      redirect: 'manual',
      signal: limit.signal,
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  } finally {
    limit.clear();
  }
}
