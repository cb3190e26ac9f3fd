import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import { toError } from '../../utils/errors.js';
import type { Connector } from './connector.js';
import type { RequestConnection, UndiciResponseHandler } from './response-handler.js';

/** What a connection reports to its pool. */
export interface ConnectionOwner {
  /** It can send another request. */
  free(connection: Connection): void;
  /** It cannot send another request. */
  gone(connection: Connection): void;
}

/**
 * A connection that sends one request at a time: undici's Client, which opens a socket when it has a request and no
 * socket.
 *
 * When a request is aborted, its connection is closed too. Otherwise undici would open a new connection for the aborted
 * request, and would continue for minutes to open one that is not established yet.
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
    // An error inside undici must end the request and nothing else.
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
    // undici does not close a socket that is still connecting.
    this.#socket?.destroy();
  }

  /** Closes the connection when its request has ended. */
  close(): void {
    this.#closed = true;
    this.#client.close().catch(() => undefined);
  }
}
