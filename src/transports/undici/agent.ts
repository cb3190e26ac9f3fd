import type { Agent, buildConnector } from 'undici';
import type { UndiciResponseHandler } from './response-handler.js';

type Undici = typeof import('undici');

/**
 * The keep-alive connections of one `MoovAuth`, over undici, which is loaded when it is first used. Idle connections
 * do not hold the process open, and end by themselves after some seconds.
 */
export class UndiciAgent {
  #loading: Promise<Undici> | undefined;
  #undici: Undici | undefined;
  #agent: Agent | undefined;
  /** The exchange that is being dispatched, which is what a connection that begins now is made for. */
  #dispatching: UndiciResponseHandler | undefined;

  /** Loads undici; nothing if that is done. */
  load(): Promise<unknown> | undefined {
    if (this.#undici !== undefined) return undefined;
    this.#loading ??= import('undici').then((undici) => {
      this.#undici = undici;
      return undici;
    });
    return this.#loading;
  }

  /** @param options - What undici takes; each limit of time is the caller's own, so undici has none. */
  dispatch(options: Parameters<Agent['dispatch']>[0], exchange: UndiciResponseHandler): void {
    this.#agent ??= this.#open();
    this.#dispatching = exchange;
    try {
      this.#agent.dispatch(options, exchange);
    } finally {
      this.#dispatching = undefined;
    }
  }

  release(): void {
    // It ends when its last request does, which has a deadline of its own.
    this.#agent?.close().catch(() => undefined);
    this.#agent = undefined;
  }

  destroy(): void {
    this.#agent?.destroy().catch(() => undefined);
    this.#agent = undefined;
  }

  #open(): Agent {
    if (this.#undici === undefined) throw new Error('undici is not loaded');
    const { Agent, buildConnector } = this.#undici;
    return new Agent({
      connect: this.#connector(buildConnector({ timeout: 0, allowH2: false })),
      allowH2: false,
    });
  }

  /** A connection is made for one request, and is given up with it: undici itself would go on for minutes. */
  #connector(connect: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      const exchange = this.#dispatching;
      const socket: unknown = connect(options, callback);
      exchange?.connecting(() => giveUp(socket));
      return socket;
    };
  }
}

function giveUp(socket: unknown): void {
  if (
    typeof socket === 'object' &&
    socket !== null &&
    'destroy' in socket &&
    typeof socket.destroy === 'function'
  ) {
    socket.destroy(new Error('The request that the connection was for is over'));
  }
}
