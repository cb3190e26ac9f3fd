import type { KeyObject } from 'node:crypto';
import { MoovUnavailableError } from '../errors.js';
import { Timers, withTimeout } from '../utils/timers.js';

/**
 * Returns the signing secret, or several during a rotation.
 *
 * @inline
 */
export type SecretFunction = () => string | readonly string[] | Promise<string> | Promise<readonly string[]>;

type Keys = readonly KeyObject[];

/** How long secrets are used before the function is called again. Anybody can cause a call, so calls are limited. */
const CACHED_MS = 60_000;
/** How long a failure is kept before the function is called again. */
const FAILED_MS = 1_000;
/** Moov gives up a delivery after this time. */
const TIMEOUT_MS = 5_000;

/** One for each function: `verifyMoovWebhook` keeps nothing else from one call to the next. */
const cached = new WeakMap<SecretFunction, () => Promise<Keys>>();

/** Calls the function of the option `secret`, at most once in a minute. */
export function secretsOf(read: SecretFunction, toKeys: (value: unknown) => Keys): () => Promise<Keys> {
  const known = cached.get(read);
  if (known !== undefined) return known;
  const secrets = new CachedSecrets(read, toKeys);
  const get = () => secrets.get();
  cached.set(read, get);
  return get;
}

class CachedSecrets {
  readonly #read: SecretFunction;
  readonly #toKeys: (value: unknown) => Keys;
  readonly #timers = new Timers();
  #keys: Promise<Keys> | undefined;
  #usableUntil = 0;

  constructor(read: SecretFunction, toKeys: (value: unknown) => Keys) {
    this.#read = read;
    this.#toKeys = toKeys;
  }

  get(): Promise<Keys> {
    if (this.#keys !== undefined && performance.now() < this.#usableUntil) return this.#keys;
    const keys = this.#call();
    this.#keys = keys;
    this.#usableUntil = Number.POSITIVE_INFINITY;
    const keepFor = (ms: number) => () => {
      this.#usableUntil = performance.now() + ms;
    };
    keys.then(keepFor(CACHED_MS), keepFor(FAILED_MS));
    return keys;
  }

  async #call(): Promise<Keys> {
    return this.#toKeys(
      await withTimeout(this.#result(), {
        ms: TIMEOUT_MS,
        timers: this.#timers,
        timedOut: () => unreadable(`its function did not answer within ${TIMEOUT_MS} ms`),
      }),
    );
  }

  async #result(): Promise<unknown> {
    try {
      return await this.#read();
    } catch (cause) {
      throw unreadable('its function failed', cause);
    }
  }
}

function unreadable(what: string, cause?: unknown): MoovUnavailableError {
  return new MoovUnavailableError(`secret: ${what}`, { code: 'ERR_MOOV_KEY_UNREADABLE', cause });
}
