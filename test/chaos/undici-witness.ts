import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { AxiosRequestConfig } from 'axios';
import { Agent, buildConnector, Client, Dispatcher } from 'undici';
import type { MoovAuthOptions } from '../../src/index.js';
import { type Attempt, CLOSED_PORT, type Witness } from './attempts.js';

/** undici's own request, of which its channels tell. */
interface Request {
  /** Names and values in turn. */
  readonly headers: readonly unknown[];
}

/** Over undici: its diagnostics channels, and a Dispatcher whose connections can be misdirected. */
export class UndiciWitness extends Dispatcher implements Witness {
  readonly #attempts = new Map<string, Attempt[]>();
  readonly #requests = new WeakMap<object, Attempt>();
  readonly #fresh = new Set<string>();
  readonly #misdirects: (call: string, nth: number) => boolean;
  readonly #agent: Agent;
  readonly #channels: readonly (readonly [name: string, listener: (message: unknown) => void])[];
  /** What was given to undici last; a connection that begins is made for it. */
  #latest: { call: string; nth: number; attempt: Attempt } | undefined;
  readonly options: MoovAuthOptions = { transport: this };
  misdirected = 0;

  /** @param misdirects - Whether a call's n-th new connection is to be refused. */
  constructor(misdirects: (call: string, nth: number) => boolean) {
    super();
    this.#misdirects = misdirects;
    this.#agent = new Agent({ connect: this.#connector() });
    this.#channels = [
      ['undici:request:create', (message) => this.#created((message as { request: Request }).request)],
      ['undici:client:sendHeaders', (message) => this.#sent(message as { request: Request; socket: Socket })],
      [
        'undici:request:headers',
        (message) => this.#replied(message as { request: Request; response: { statusCode: number } }),
      ],
      ['undici:request:trailers', (message) => this.#ended((message as { request: Request }).request)],
    ];
    for (const [name, listener] of this.#channels) diagnostics.subscribe(name, listener);
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.#latest = undefined;
    try {
      const call = Array.isArray(options.headers) ? callIn(options.headers) : undefined;
      if (call === undefined || !this.#fresh.has(call)) return this.#agent.dispatch(options, handler);
      const client = new Client(String(options.origin), { connect: this.#connector() });
      const going = client.dispatch(options, handler);
      client.close().catch(() => undefined);
      return going;
    } finally {
      // A connection that undici opens later is not this call's.
      this.#latest = undefined;
    }
  }

  freshly(call: string): AxiosRequestConfig {
    this.#fresh.add(call);
    return {};
  }

  of(call: string): readonly Attempt[] {
    return this.#attempts.get(call) ?? [];
  }

  override async close(): Promise<void> {
    for (const [name, listener] of this.#channels) diagnostics.unsubscribe(name, listener);
    await this.#agent.destroy();
  }

  #connector(): buildConnector.connector {
    const connect = buildConnector({ timeout: 0 });
    return (options, callback) => {
      const latest = this.#latest;
      this.#latest = undefined;
      if (latest === undefined) return connect(options, callback);
      latest.attempt.reused = false;
      latest.attempt.misdirected = this.#misdirects(latest.call, latest.nth);
      if (latest.attempt.misdirected) this.misdirected++;
      const { attempt } = latest;
      return connect(
        attempt.misdirected ? { ...options, port: String(CLOSED_PORT) } : options,
        (...result) => {
          if (result[0] !== null) attempt.connected = false;
          callback(...result);
        },
      );
    };
  }

  #created(request: Request): void {
    const call = callIn(request.headers);
    if (call === undefined) return;
    const attempt: Attempt = {
      at: performance.now(),
      ...{ reused: true, misdirected: false, connected: 'unknown', answered: false },
    };
    const attempts = [...this.of(call), attempt];
    this.#attempts.set(call, attempts);
    this.#requests.set(request, attempt);
    this.#latest = { call, nth: attempts.length, attempt };
  }

  #sent({ request, socket }: { request: Request; socket: Socket }): void {
    const attempt = this.#requests.get(request);
    if (attempt === undefined) return;
    attempt.connected = true;
    attempt.port = socket.localPort ?? 0;
  }

  #replied({ request, response }: { request: Request; response: { statusCode: number } }): void {
    const attempt = this.#requests.get(request);
    if (attempt !== undefined) attempt.status = response.statusCode;
  }

  #ended(request: Request): void {
    const attempt = this.#requests.get(request);
    if (attempt !== undefined) attempt.answered = true;
  }
}

function callIn(headers: readonly unknown[]): string | undefined {
  const at = headers.findIndex(
    (name, index) => index % 2 === 0 && String(name).toLowerCase() === 'x-chaos-call',
  );
  const value = headers[at + 1];
  return at >= 0 && typeof value === 'string' ? value : undefined;
}
