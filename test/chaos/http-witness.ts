import diagnostics from 'node:diagnostics_channel';
import { Agent, type ClientRequest, type ClientRequestArgs, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AxiosRequestConfig } from 'axios';
import type { MoovAuthOptions } from '../../src/index.js';
import { type Attempt, CLOSED_PORT, type Witness } from './attempts.js';

/** Over `node:http`. */
export class HTTPWitness implements Witness {
  readonly #attempts = new Map<string, Attempt[]>();
  readonly #current = new WeakMap<Duplex, Attempt>();
  readonly #misdirects: (call: string, nth: number) => boolean;
  readonly #onResponse = (message: unknown) => this.#responded(message);
  readonly #keeping: Agent;
  readonly #fresh: Agent;
  readonly options: MoovAuthOptions;
  misdirected = 0;

  /** @param misdirects - Whether a call's n-th new connection is to be refused. */
  constructor(misdirects: (call: string, nth: number) => boolean) {
    this.#misdirects = misdirects;
    const witness = this;
    class WitnessedAgent extends Agent {
      override createConnection(
        options: ClientRequestArgs,
        callback?: (error: Error | null, stream: Duplex) => void,
      ): Duplex | null | undefined {
        return witness.#connect(options, (target) => super.createConnection(target, callback));
      }

      override reuseSocket(socket: Duplex, request: ClientRequest): void {
        super.reuseSocket(socket, request);
        witness.#reused(socket, request);
      }
    }
    this.#keeping = new WitnessedAgent({ keepAlive: true, scheduling: 'fifo' });
    this.#fresh = new WitnessedAgent({ keepAlive: false });
    this.options = { transport: 'axios', axios: { httpAgent: this.#keeping } };
    diagnostics.subscribe('http.client.response.finish', this.#onResponse);
  }

  of(call: string): readonly Attempt[] {
    return this.#attempts.get(call) ?? [];
  }

  freshly(): AxiosRequestConfig {
    return { httpAgent: this.#fresh };
  }

  async close(): Promise<void> {
    diagnostics.unsubscribe('http.client.response.finish', this.#onResponse);
    this.#keeping.destroy();
    this.#fresh.destroy();
  }

  #connect(
    options: ClientRequestArgs,
    open: (options: ClientRequestArgs) => Duplex | null | undefined,
  ): Duplex | null | undefined {
    const call = callIn(options.headers);
    if (call === undefined) return open(options);
    const misdirected = this.#misdirects(call, this.of(call).length + 1);
    if (misdirected) this.misdirected++;
    const socket = open(misdirected ? { ...options, port: CLOSED_PORT } : options);
    const attempt = this.#begin(call, { reused: false, misdirected, connected: false });
    if (socket) {
      this.#current.set(socket, attempt);
      socket.once('connect', () => {
        attempt.connected = true;
        attempt.port = portOf(socket);
      });
    }
    return socket;
  }

  #reused(socket: Duplex, request: ClientRequest): void {
    const call = request.getHeader('x-chaos-call');
    if (typeof call !== 'string') return;
    const attempt = this.#begin(call, { reused: true, misdirected: false, connected: true });
    attempt.port = portOf(socket);
    this.#current.set(socket, attempt);
  }

  #begin(call: string, known: Pick<Attempt, 'reused' | 'misdirected' | 'connected'>): Attempt {
    const attempt: Attempt = { at: performance.now(), answered: false, ...known };
    this.#attempts.set(call, [...this.of(call), attempt]);
    return attempt;
  }

  #responded(message: unknown): void {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const attempt = request.socket && this.#current.get(request.socket);
    if (!attempt || request.getHeader('x-chaos-call') === undefined) return;
    if (response.statusCode !== undefined) attempt.status = response.statusCode;
    response.once('end', () => {
      attempt.answered = true;
    });
  }
}

function callIn(headers: ClientRequestArgs['headers']): string | undefined {
  const entry = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'x-chaos-call');
  return typeof entry?.[1] === 'string' ? entry[1] : undefined;
}

function portOf(socket: Duplex): number {
  return 'localPort' in socket && typeof socket.localPort === 'number' ? socket.localPort : 0;
}
