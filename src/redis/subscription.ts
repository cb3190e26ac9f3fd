import type { TokenStoreChange } from '../token-store.js';
import type { RedisClient, RedisSubscriber } from './options.js';

/** When a connection that could not subscribe is replaced: soon, or later if the user has no right to subscribe yet. */
const RETRY_MS = 1_000;
const RETRY_REFUSED_MS = 60_000;

type Listener = (change: TokenStoreChange) => void;

/**
 * The second connection. It exists while there is a watcher and the client is open, and reconnects by itself like the
 * client. It closes with the client, because its attempts to reconnect would keep the process running.
 */
export class Subscription {
  readonly #client: RedisClient;
  readonly #channel: string;
  readonly #listeners = new Set<Listener>();
  #connection: RedisSubscriber | undefined;
  #outcome: Promise<unknown> = Promise.resolve();
  #notBefore = 0;

  constructor(client: RedisClient, channel: string) {
    this.#client = client;
    this.#channel = channel;
  }

  add(listener: Listener): () => void {
    const own: Listener = (change) => listener(change);
    this.#listeners.add(own);
    this.listen();
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.#disconnect();
    };
  }

  /** Connects if there is a watcher and no connection yet. */
  listen(): void {
    if (this.#connection !== undefined || this.#listeners.size === 0 || !this.#client.isOpen) return;
    if (performance.now() >= this.#notBefore) this.#connect();
  }

  /** Resolves with whether Redis refused the subscription, once that is known. */
  async isRefused(): Promise<boolean> {
    return isRefusal(await this.#outcome);
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) destroy(connection);
  }

  #connect(): void {
    let connection: RedisSubscriber;
    try {
      connection = this.#client.duplicate();
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#connection = connection;
    // Without this connection, changes are found by polling. The client itself reports its errors to the application.
    connection.on('error', () => {
      if (!this.#client.isOpen && this.#connection === connection) this.#disconnect();
    });
    connection.unref();
    const receive = (message: string) => {
      const change = readMessage(message);
      if (change !== undefined) for (const listener of [...this.#listeners]) listener(change);
    };
    this.#outcome = connection
      .connect()
      .then(() => {
        if (this.#connection === connection) return connection.subscribe(this.#channel, receive);
        // It was closed while it connected, which the client does not notice.
        return destroy(connection);
      })
      .then(
        () => undefined,
        (error: unknown) => {
          if (this.#connection === connection) {
            this.#disconnect();
            this.#failed(error);
          }
          return error;
        },
      );
  }

  #failed(error: unknown): void {
    this.#outcome = Promise.resolve(error);
    this.#notBefore = performance.now() + (isRefusal(error) ? RETRY_REFUSED_MS : RETRY_MS);
  }
}

/** A change as it is published. */
export function message({ kind, key }: TokenStoreChange): string {
  return `${kind} ${key}`;
}

function readMessage(text: string): TokenStoreChange | undefined {
  const [kind, key, ...more] = text.split(' ');
  if (key === undefined || more.length > 0) return undefined;
  return isKind(kind) ? { kind, key } : undefined;
}

function isKind(text: unknown): text is TokenStoreChange['kind'] {
  return text === 'stored' || text === 'released' || text === 'failed' || text === 'revoked';
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOPERM');
}

function destroy(connection: RedisSubscriber): void {
  try {
    connection.destroy();
  } catch {
    // It was not open.
  }
}
