import { randomUUID } from 'node:crypto';
import { backoffMs, Timers } from '../../utils/timers.js';
import type { MoovEventType } from '../../webhooks/event.js';
import { attempt, createDelivery, type Delivery, type Signer } from './delivery.js';

/** What was sent by `sandbox.sendWebhook`, and what was answered. */
export interface SandboxWebhook {
  /** The ID of the event. */
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
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/** Sends events to the application that is tested, again while there is no 2xx. */
export class WebhookSender {
  readonly #own: Signer;
  readonly #registered: (url: string) => Signer | undefined;
  readonly #timers = new Timers(true);
  #stop = new AbortController();

  /**
   * @param secret - Of a URL for which there is no webhook.
   * @param registered - Finds the webhook of a URL.
   */
  constructor(secret: string, registered: (url: string) => Signer | undefined) {
    this.#own = { webhookID: randomUUID(), secret };
    this.#registered = registered;
  }

  /** @throws TypeError for a URL that is not one of HTTP, a type that is no string, and data that can't be JSON. */
  async send(url: string, type: MoovEventType, data: unknown): Promise<SandboxWebhook> {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new TypeError(
        'sendWebhook: expected the URL of the webhook, such as http://127.0.0.1:3000/webhooks/moov.',
      );
    }
    if (typeof type !== 'string' || type === '') {
      throw new TypeError("sendWebhook: expected the type of an event, such as 'transfer.updated'.");
    }
    const delivery = createDelivery(this.#registered(url) ?? this.#own, type, data);
    const statuses = await this.#deliver(url, delivery);
    const last = statuses.at(-1) ?? 0;
    const { event, headers, body } = delivery;
    return { eventID: event.eventID, headers, body, statuses, delivered: isSuccess(last) };
  }

  /** Ends attempts and the waits between them. */
  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
  }

  async #deliver(url: string, delivery: Delivery): Promise<number[]> {
    const { signal } = this.#stop;
    const statuses: number[] = [];
    while (true) {
      const status = await attempt(url, delivery, signal);
      statuses.push(status);
      if (isSuccess(status) || statuses.length === MOST_ATTEMPTS || signal.aborted) return statuses;
      await this.#timers.sleep(backoffMs(statuses.length, FIRST_WAIT_MS, LONGEST_WAIT_MS), signal);
    }
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
