import { createSecretKey, randomInt, randomUUID } from 'node:crypto';
import { backoffMs, Timers } from '../utils/timers.js';
import type { MoovEventType } from '../webhooks/event.js';
import { sign } from '../webhooks/signature.js';

/** What was sent by `sandbox.sendWebhook`, and what was answered. */
export interface SandboxWebhook {
  /** The event, as it was sent. */
  readonly eventID: string;
  /** The headers, the same in each attempt. With `body` a test can send the delivery once more. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body, as it was sent. */
  readonly body: string;
  /** The status of each attempt. 0 stands for no response within 5 s, or no connection. */
  readonly statuses: readonly number[];
  /** Whether the last attempt was answered with a 2xx. */
  readonly delivered: boolean;
}

/** Moov sends again for up to 24 hours; for a test these are enough. */
const MOST_ATTEMPTS = 5;
/** How long Moov waits for a 2xx. */
const ATTEMPT_MS = 5_000;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

const NONCE_LENGTH = 60;
const nonceCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Sends events to the application that is tested, signed as Moov signs them. */
export class WebhookSender {
  readonly #secret: string;
  readonly #webhookID = randomUUID();
  readonly #timers = new Timers(true);
  #stop = new AbortController();

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** @throws TypeError for a URL that is not one of HTTP, and a type that is no string. */
  async send(url: string, type: MoovEventType, data: unknown): Promise<SandboxWebhook> {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new TypeError(
        'sendWebhook: expected the URL of the webhook, such as http://127.0.0.1:3000/webhooks/moov.',
      );
    }
    if (typeof type !== 'string' || type === '') {
      throw new TypeError("sendWebhook: expected the type of an event, such as 'transfer.updated'.");
    }
    const eventID = randomUUID();
    const createdOn = now();
    const body = JSON.stringify({ eventID, type, data, createdOn });
    const headers = this.#sign(createdOn);
    const { signal } = this.#stop;
    const statuses: number[] = [];
    while (true) {
      const status = await this.#attempt(url, headers, body, signal);
      statuses.push(status);
      const delivered = status >= 200 && status < 300;
      if (delivered || statuses.length === MOST_ATTEMPTS || signal.aborted) {
        return { eventID, headers, body, statuses, delivered };
      }
      await this.#timers.sleep(backoffMs(statuses.length, FIRST_WAIT_MS, LONGEST_WAIT_MS), signal);
    }
  }

  /** Ends attempts and the waits between them. */
  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
  }

  #sign(timestamp: string): Record<string, string> {
    const characters = Array.from(
      { length: NONCE_LENGTH },
      () => nonceCharacters[randomInt(nonceCharacters.length)],
    );
    const signed = { timestamp, nonce: characters.join(''), webhookID: this.#webhookID };
    return {
      'Content-Type': 'application/json',
      'X-Timestamp': signed.timestamp,
      'X-Nonce': signed.nonce,
      'X-Webhook-ID': signed.webhookID,
      'X-Signature': sign(signed, createSecretKey(Buffer.from(this.#secret))).toString('hex'),
    };
  }

  /** @returns the status, or 0 without a response. */
  async #attempt(
    url: string,
    headers: Record<string, string>,
    body: string,
    stop: AbortSignal,
  ): Promise<number> {
    const late = new AbortController();
    const clear = this.#timers.after(ATTEMPT_MS, () => late.abort());
    try {
      const signal = AbortSignal.any([late.signal, stop]);
      const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return 0;
    } finally {
      clear();
    }
  }
}

/** ISO 8601 in whole seconds, as in Moov's published examples. */
function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
