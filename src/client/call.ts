import type { AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import type { MoovCallInfo } from '../errors.js';
import type { TokenSupplier } from '../tokens/token-supplier.js';
import { type Connection, takeConnection } from './connection.js';

const key: unique symbol = Symbol('moov.call');
const mark = Symbol.for('express-moov-auth.call');

/** A request config in which a call travels through replays and retries, which copy the config. */
export interface CallConfig extends InternalAxiosRequestConfig {
  [key]?: Call;
}

/** One call of a handler's on `req.moov`, from its first attempt to its result. */
export class Call {
  readonly #deadline: number;
  #connection: Connection = {};
  readonly #transformRequest: InternalAxiosRequestConfig['transformRequest'];
  readonly request: RequestSummary;
  /** Where its token comes from. */
  readonly tokens: TokenSupplier;
  /** The whole time in milliseconds; 0 stands for no limit, as in Axios. */
  readonly timeoutMs: number;
  /** Whether its config has been found to keep the rules. */
  checked = false;
  /** Requests handed to the transport. */
  attempts = 0;
  /** Of the token last used. */
  generation = 0;
  /** Whether a 401 has been answered with a replay already. */
  replayed = false;
  /** Whether the result is final, and neither a 401 nor a retry may follow. */
  over = false;
  /** Whether the last attempt was given to a standing connection, so that Moov may have acted on it. */
  maybeSent = false;
  /** Whether the last attempt ended with a whole reply. */
  responded = false;
  /** Whether Moov may have acted on an attempt that no reply has settled since. */
  ambiguous = false;
  /** The error made of the last reply's status; any other error is of something else, such as its parsing. */
  refusal: Error | undefined;
  /** Retries begun, replays after a 401 not among them. */
  retries = 0;
  /** Whether a retry was due and could not be, as the body is used up. */
  unrepeatable = false;
  /** The wait before the next retry, in milliseconds. */
  delayMs = 0;
  requestId: string | undefined;

  constructor(config: InternalAxiosRequestConfig, origin: string, tokens: TokenSupplier) {
    this.tokens = tokens;
    this.request = summarise(config, origin);
    this.timeoutMs = Number(config.timeout ?? 0);
    this.#deadline = this.timeoutMs > 0 ? performance.now() + this.timeoutMs : Number.POSITIVE_INFINITY;
    this.#transformRequest = config.transformRequest;
  }

  /** Takes the agents of this call alone off its config. */
  takeConnection(config: InternalAxiosRequestConfig): void {
    this.#connection = takeConnection(config);
  }

  /** A method and not a property, as inspection reads properties. */
  connection(): Connection {
    return this.#connection;
  }

  /** Milliseconds until the deadline; infinite without one. */
  get leftMs(): number {
    return this.#deadline - performance.now();
  }

  get info(): MoovCallInfo {
    const { attempts, ambiguous, requestId } = this;
    return { attempts, ambiguous, ...(requestId === undefined ? {} : { requestId }) };
  }

  /** Takes the traces of this call off a config that is given back, so that it can be sent anew. */
  leave(config: CallConfig & { 'axios-retry'?: unknown }): void {
    delete config[key];
    delete config['axios-retry'];
    if (this.#transformRequest === undefined) delete config.transformRequest;
    else config.transformRequest = this.#transformRequest;
  }
}

/** The call a config belongs to, begun here if it is a new one. */
export function callOf(config: CallConfig, origin: string, tokens: TokenSupplier): Call {
  config[key] ??= new Call(config, origin, tokens);
  return config[key];
}

/** The call a config belongs to, if it is on its way. */
export function currentCall(config: (AxiosRequestConfig & { [key]?: Call }) | undefined): Call | undefined {
  return config?.[key];
}

/** A value that says what became of its call. */
export interface WithCallInfo {
  readonly moov: MoovCallInfo;
}

/** Puts what became of the call on its error or response. */
export function attachCallInfo<T extends object>(
  target: T,
  info: MoovCallInfo,
): asserts target is T & WithCallInfo {
  Object.defineProperty(target, 'moov', { value: Object.freeze(info), enumerable: true, configurable: true });
  Object.defineProperty(target, mark, { value: true, configurable: true });
}

/** Whether a value was marked by {@link attachCallInfo}, by whichever build of this package. */
export function hasCallInfo(value: unknown): value is WithCallInfo {
  return typeof value === 'object' && value !== null && mark in value;
}

/** What may be shown of a request instead of the request itself, which leads to its headers. */
export interface RequestSummary {
  readonly method: string;
  readonly origin: string;
  readonly path: string;
}

function summarise(config: InternalAxiosRequestConfig, origin: string): RequestSummary {
  const url = config.url ?? '';
  const path = url.startsWith('/') ? url : url.replace(/^[a-z]+:\/\/[^/?#]*/i, '');
  return Object.freeze({ method: (config.method ?? 'get').toUpperCase(), origin, path });
}
