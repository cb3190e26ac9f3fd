import type { TokenStoreChange } from '../token-store.js';
import type { RedisClient, RedisSubscriber } from './options.js';

type Listener = (change: TokenStoreChange) => void;

/**
 * The second connection. It exists while there is a watcher and the client is open, and reconnects by itself as the
 * client does; but it does not outlive the client, as its attempts to reconnect would keep the process running.
 */
export class Subscription {
  readonly #client: RedisClient;
  readonly #channel: string;
  readonly #listeners = new Set<Listener>();
  #connection: RedisSubscriber | undefined;

  constructor(client: RedisClient, channel: string) {
    this.#client = client;
    this.#channel = channel;
  }

  add(listener: Listener): () => void {
    const told: Listener = (change) => listener(change);
    this.#listeners.add(told);
    this.listen();
    return () => {
      this.#listeners.delete(told);
      if (this.#listeners.size === 0) this.#disconnect();
    };
  }

  /** Connects if there is a reason to and no connection yet. */
  listen(): void {
    if (this.#connection !== undefined || this.#listeners.size === 0 || !this.#client.isOpen) return;
    this.#connection = this.#connect();
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) destroy(connection);
  }

  #connect(): RedisSubscriber {
    const connection = this.#client.duplicate();
    // Without it, what is missed is found out by looking; and the client itself tells the application of its errors.
    connection.on('error', () => {
      if (!this.#client.isOpen && this.#connection === connection) this.#disconnect();
    });
    connection.unref();
    const receive = (message: string) => {
      const change = readMessage(message);
      if (change !== undefined) for (const listener of [...this.#listeners]) listener(change);
    };
    connection
      .connect()
      .then(() => {
        if (this.#connection === connection) return connection.subscribe(this.#channel, receive);
        // It was ended while it connected, which the client does not notice.
        return destroy(connection);
      })
      .catch(() => undefined);
    return connection;
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

function destroy(connection: RedisSubscriber): void {
  try {
    connection.destroy();
  } catch {
    // It was not open.
  }
}
