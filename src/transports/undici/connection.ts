import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import { toError } from '../../utils/errors.js';
import type { Connector } from './connector.js';
import type { RequestConnection, UndiciResponseHandler } from './response-handler.js';

/** What a connection says to its pool. */
export interface ConnectionOwner {
  /** It can take another request. */
  free(connection: Connection): void;
  /** It can't, now or ever. */
  gone(connection: Connection): void;
}

/**
 * A connection that carries one request at a time: undici's Client, which opens a socket when it has a request and none
 * stands.
 *
 * A request that is given up takes its connection with it. undici would open a new one for a request that was given up,
 * and goes on for minutes with one that is being made.
 */
export class Connection implements RequestConnection {
  readonly #client: Client;
  readonly #owner: ConnectionOwner;
  #handler: UndiciResponseHandler | undefined;
  #socket: Socket | undefined;
  #closed = false;

  constructor(ClientOfUndici: typeof Client, origin: string, connect: Connector, owner: ConnectionOwner) {
    this.#owner = owner;
    const options: Client.Options = {
      connect: (_options, callback) => {
        this.#socket = connect(callback, (error) => this.#handler?.connectionLost(error));
      },
    };
    Object.setPrototypeOf(options, null);
    this.#client = new ClientOfUndici(origin, options);
    // What goes wrong in undici itself must end the request and nothing else.
    const events: EventEmitter = this.#client;
    events.on('error', (error: unknown) => this.#handler?.reject(toError(error)));
    this.#client.on('disconnect', () => {
      if (this.#handler === undefined) this.#owner.gone(this);
    });
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: UndiciResponseHandler): void {
    this.#handler = handler;
    handler.connection = this;
    this.#client.dispatch(options, handler);
  }

  done(): void {
    this.#handler = undefined;
    if (this.#closed) this.#owner.gone(this);
    else this.#owner.free(this);
  }

  abort(error: Error): void {
    this.#handler = undefined;
    this.#owner.gone(this);
    this.#client.destroy(error).catch(() => undefined);
    // undici does not end a socket that is still being connected.
    this.#socket?.destroy();
  }

  /** Ends when its request has. */
  close(): void {
    this.#closed = true;
    this.#client.close().catch(() => undefined);
  }
}
