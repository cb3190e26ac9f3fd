import { LRUCache } from 'lru-cache';

/** Beyond this many the oldest is forgotten. In 5 minutes it is 33 deliveries a second. */
const MOST_DELIVERIES = 10_000;

type DeliveryStatus = 'in progress' | 'done';

/**
 * Remembers the deliveries whose signature was valid, by their signature: it covers the nonce, the timestamp and the
 * webhook ID. A delivery that is older than the tolerance is refused before it gets here, so none has to be removed for
 * its age.
 */
export class DeliveryMemory {
  readonly #statuses = new LRUCache<string, DeliveryStatus>({ max: MOST_DELIVERIES });

  /** @returns the status that the delivery has; without one, it is in progress from now on. */
  begin(signature: string): DeliveryStatus | undefined {
    const status = this.#statuses.get(signature);
    if (status === undefined) this.#statuses.set(signature, 'in progress');
    return status;
  }

  /** It was answered with a 2xx, so Moov does not send it again. */
  complete(signature: string): void {
    this.#statuses.set(signature, 'done');
  }

  /** It failed, unless it is done: Moov will send it again, perhaps with the same headers. */
  release(signature: string): void {
    if (this.#statuses.get(signature) === 'in progress') this.#statuses.delete(signature);
  }
}
