import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type ApiResponse, type Call, failure } from '../http/call.js';
import { mustBe, readBody } from '../http/fields.js';
import { attempt, createDelivery, type Signer } from '../webhooks/delivery.js';
import { route } from './route.js';

interface Webhook {
  readonly webhookID: string;
  readonly url: string;
  readonly status: 'enabled' | 'disabled';
  readonly eventTypes: readonly string[];
  readonly description: string;
  readonly createdOn: string;
  readonly updatedOn: string;
  readonly lastUsedOn?: string;
}

interface Registered {
  readonly webhook: Webhook;
  /** What its deliveries are signed with. */
  readonly secret: string;
}

const creation = z.object({
  url: z.string(mustBe('a URL')).refine(isDeliverable, 'must be an HTTPS URL, or HTTP on this machine'),
  status: z.enum(['enabled', 'disabled'], mustBe('enabled or disabled')),
  eventTypes: z.array(z.string(), mustBe('a list')).min(1, 'must have at least one'),
  description: z.string(mustBe('a string')),
});

/**
 * Webhooks. Moov's documents name no scope for them, so any token will do. Only HTTPS is deliverable at Moov; here so
 * is HTTP to this machine, where applications are tested.
 *
 * @see {@link https://docs.moov.io/guides/webhooks/set-up-webhooks/ | Moov: how to set up webhooks}
 */
export class Webhooks {
  readonly #webhooks = new Map<string, Registered>();

  readonly routes = [
    route('POST', '/webhooks', (call) => this.#create(call)),
    route('GET', '/webhooks/{webhookID}/secret', (_, { webhookID }) => ({
      status: 200,
      body: { secret: this.#find(webhookID).secret },
    })),
    route('POST', '/webhooks/{webhookID}/ping', (_, { webhookID }) => this.#ping(webhookID)),
  ];

  /** @returns the webhook of a URL, of several the first. */
  signerOf(url: string): Signer | undefined {
    const found = [...this.#webhooks.values()].find(({ webhook }) => webhook.url === url);
    return found && { webhookID: found.webhook.webhookID, secret: found.secret };
  }

  #create(call: Call): ApiResponse {
    const described = readBody(call, creation);
    const now = new Date().toISOString();
    const webhook: Webhook = { webhookID: randomUUID(), ...described, createdOn: now, updatedOn: now };
    this.#webhooks.set(webhook.webhookID, { webhook, secret: randomBytes(32).toString('base64url') });
    return { status: 201, body: webhook };
  }

  /** Waits for the response of the webhook. Its status is 0 if there is none. */
  async #ping(webhookID: string): Promise<ApiResponse> {
    const { webhook, secret } = this.#find(webhookID);
    const delivery = createDelivery({ webhookID, secret }, 'event.test', { ping: true });
    const responseStatusCode = await attempt(webhook.url, delivery);
    const used = { ...webhook, lastUsedOn: new Date().toISOString() };
    this.#webhooks.set(webhookID, { webhook: used, secret });
    return { status: 200, body: { webhook: used, requestBodySent: delivery.event, responseStatusCode } };
  }

  #find(webhookID: string): Registered {
    const found = this.#webhooks.get(webhookID);
    if (found === undefined) throw failure(404, 'webhook not found');
    return found;
  }
}

function isDeliverable(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
  );
}
