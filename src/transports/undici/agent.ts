import type { Client, Dispatcher } from 'undici';
import { Connection } from './connection.js';
import { connectorTo } from './connector.js';
import type { UndiciResponseHandler } from './response-handler.js';

/**
 * The keep-alive connections of one `MoovAuth`, over undici, which is loaded on first use. Idle connections do not keep
 * the process open, and close after some seconds.
 */
export class UndiciAgent {
  readonly #origin: string;
  #loading: Promise<unknown> | undefined;
  #client: typeof Client | undefined;
  readonly #connect;
  /** The most recently used connection is used next, so that no more stay open than are needed. */
  readonly #idle: Connection[] = [];
  readonly #busy = new Set<Connection>();

  constructor(origin: string) {
    this.#origin = origin;
    this.#connect = connectorTo(origin);
  }

  /** Loads undici, if it is not loaded yet. */
  load(): Promise<unknown> | undefined {
    if (this.#client !== undefined) return undefined;
    this.#loading ??= import('undici').then(({ Client }) => {
      this.#client = Client;
    });
    return this.#loading;
  }

  /** @param options - undici's options. The caller has its own time limits, so undici has none. */
  dispatch(options: Dispatcher.DispatchOptions, handler: UndiciResponseHandler): void {
    const connection = this.#idle.pop() ?? this.#open();
    this.#busy.add(connection);
    connection.dispatch(options, handler);
  }

  /** Called when a connection has lost its request. */
  free(connection: Connection): void {
    this.#busy.delete(connection);
    this.#idle.push(connection);
  }

  gone(connection: Connection): void {
    if (this.#busy.delete(connection)) return;
    const index = this.#idle.lastIndexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Closes idle connections at once, and the others when their requests end. Each request has its own deadline. */
  release(): void {
    for (const connection of [...this.#idle.splice(0), ...this.#busy]) connection.close();
  }

  #open(): Connection {
    if (this.#client === undefined) throw new Error('undici is not loaded');
    return new Connection(this.#client, this.#origin, this.#connect, this);
  }
}
