import axios, { AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { MoovCallInfo } from '../errors.js';
import { CallTurns } from '../rate-limit/call-turns.js';
import type { AccountCall, RateLimits } from '../rate-limit/rate-limits.js';
import type { Token } from '../tokens/token.js';
import type { TokenSupplier } from '../tokens/token-supplier.js';
import { type RequestHeaders, type Transport, wireRequest } from '../transports/transport.js';
import { Timers, withTimeout } from '../utils/timers.js';
import { withoutQuery } from '../utils/without-query.js';
import { Attempt, axiosTimeoutError, LightSignal } from './attempt.js';
import { infoWithoutResponse, type RequestSummary } from './call-info.js';
import { accountIn, type CallTarget } from './call-target.js';
import type { CallerSignals } from './caller-signals.js';
import { redactError, redactResponse } from './redact.js';
import { discard, isStream, type UnreadStreams } from './streams.js';
import type { CallImage } from './wire-image.js';

/** What all calls of one `MoovAuth` have in common. */
export interface CallSettings {
  /** Moov's `Origin`, which every request with a token must have. */
  readonly origin?: string | undefined;
  readonly attemptTimeoutMs: number;
  readonly transport: Transport;
  readonly unread: UnreadStreams;
  readonly signals: CallerSignals;
  /** Without them a 429 is an outcome like another. */
  readonly limits: RateLimits | undefined;
  /** Whether Axios's core has no part in the calls, as it has in those of `req.moov`. */
  readonly direct: boolean;
}

/** How an attempt ended: with a whole response, whatever its status, or without one. */
export type Outcome =
  | { readonly response: AxiosResponse; readonly error?: undefined }
  | { readonly response?: undefined; readonly error: unknown };

/**
 * One call of a handler's on `req.moov`, from its check to its outcome: what it sends, what is known of its attempts,
 * and the way to make one.
 */
export class Call implements AccountCall {
  /** The caller's config, which the response and errors show. It is not read any more once the call is checked. */
  readonly config: InternalAxiosRequestConfig;
  readonly image: CallImage;
  readonly tokens: TokenSupplier;
  readonly request: RequestSummary;
  /** The whole time in milliseconds; 0 stands for no limit, as in Axios. */
  readonly timeoutMs: number;
  /** Aborts when nobody waits for the call any more: the caller's own signal, the deadline, or `close()`. */
  readonly signal = new LightSignal();
  /** When it ends, on the monotonic clock; infinite without a limit. */
  readonly endsAt: number;
  /** Its place among all calls, which it keeps when it is sent again. */
  readonly place: number;
  readonly account: string;
  readonly isBackground: boolean;
  readonly #settings: CallSettings;
  readonly #turns: CallTurns;
  /** Why the signal is aborted, unless the caller did it. */
  #abortedBy: Error | undefined;
  readonly #abort = () => this.signal.abort();
  #nextToken: Token | undefined;
  /** Whether a response says that Moov has done what it was asked to. */
  #done = false;

  /** Requests given to the transport. */
  attempts = 0;
  /** Whether the last attempt may have reached Moov. It counts as sent unless the transport proves otherwise. */
  maybeSent = false;
  /** Whether Moov may have acted on an attempt that no response has settled since. */
  ambiguous = false;
  /** The token of the last attempt. */
  token: Token | undefined;
  requestId: string | undefined;

  constructor(
    config: InternalAxiosRequestConfig,
    image: CallImage,
    target: CallTarget,
    settings: CallSettings,
  ) {
    this.config = config;
    this.image = image;
    this.tokens = target.tokens;
    this.isBackground = target.isBackground;
    this.#settings = settings;
    const { method, origin, path } = image;
    this.request = Object.freeze({ method, origin, path: withoutQuery(path) });
    this.timeoutMs = image.timeoutMs;
    this.account = target.accountID ?? accountIn(path);
    this.place = settings.limits?.nextPlace() ?? 0;
    this.#turns = new CallTurns(settings.limits, this);
    this.endsAt = this.timeoutMs > 0 ? performance.now() + this.timeoutMs : Number.POSITIVE_INFINITY;
    const { signal } = image;
    if (signal === undefined) return;
    settings.signals.add(signal, this.#abort);
    if (signal.aborted) this.#abort();
  }

  /** Ends the call, wherever it is. It rejects with the reason. */
  abort(reason: Error): void {
    this.#abortedBy ??= reason;
    this.#abort();
  }

  /** Calls back once when the call is settled and a streamed response of it has ended; its signals have an end then. */
  whenOver(response: AxiosResponse | undefined, over: () => void): void {
    const data: unknown = response?.data;
    if (isStream(data) && !data.closed) {
      data.once('close', () => this.whenOver(undefined, over));
      return;
    }
    if (this.image.signal !== undefined) this.#settings.signals.delete(this.image.signal, this.#abort);
    over();
  }

  /** The error of a call whose signal is aborted. */
  abortError(): Error {
    return this.#abortedBy ?? new axios.CanceledError(undefined, this.config);
  }

  /** Whether Axios's core has no part in it. */
  get isDirect(): boolean {
    return this.#settings.direct;
  }

  /** Milliseconds until the deadline; infinite without one. */
  get leftMs(): number {
    return this.endsAt - performance.now();
  }

  get info(): MoovCallInfo {
    const { attempts, ambiguous, requestId } = this;
    return { attempts, ambiguous, ...(requestId === undefined ? {} : { requestId }) };
  }

  get infoWithoutResponse(): MoovCallInfo {
    return infoWithoutResponse(this.info, this.#done);
  }

  /** Takes note that the last response shows that an earlier attempt was successful. */
  markDone(): void {
    this.#done = true;
    this.ambiguous = false;
  }

  /**
   * Makes an attempt with the token held, once there is one, when its turn comes. A 429 is no outcome while it may wait.
   *
   * @returns a promise that never rejects.
   */
  attempt(): Promise<Outcome> {
    try {
      const token = this.#nextToken ?? this.tokens.get(this.signal);
      this.#nextToken = undefined;
      if (!(token instanceof Promise) && !this.#turns.isLimited) return this.#send(token);
      return this.#inTurn(token);
    } catch (error) {
      return Promise.resolve({ error });
    }
  }

  /** First the token, then the turn, then the token as held by then: no turn is spent waiting for a token. */
  async #inTurn(first: Token | Promise<Token>): Promise<Outcome> {
    try {
      let token = first instanceof Promise ? await this.wait(first) : first;
      while (await this.#turns.next(this.signal, () => this.abortError())) {
        const held = this.tokens.get(this.signal);
        if (!(held instanceof Promise)) {
          token = held;
          break;
        }
        this.#turns.giveBack();
        token = await this.wait(held);
      }
      return await this.#send(token);
    } catch (error) {
      return { error };
    }
  }

  /** The token of the next attempt, whichever is held by then. */
  use(token: Token): void {
    this.#nextToken = token;
  }

  /** Waits for a token until the call's deadline or an abort. A token request that nobody waits for ends. */
  wait(token: Promise<Token>): Promise<Token> {
    return withTimeout(token, {
      ms: this.leftMs,
      timers: new Timers(true),
      timedOut: () => {
        this.abort(axiosTimeoutError(this.config, this.timeoutMs));
        return this.abortError();
      },
      signal: this.signal,
      aborted: () => this.abortError(),
    });
  }

  /** Not asynchronous itself: a call that succeeds waits for the transport's promise alone. */
  #send(token: Token): Promise<Outcome> {
    const { attemptTimeoutMs, transport, direct } = this.#settings;
    const { leftMs } = this;
    if (this.signal.aborted || leftMs <= 0) {
      this.#turns.giveBack();
      const late = () => axiosTimeoutError(this.config, this.timeoutMs);
      return Promise.resolve({ error: this.signal.aborted ? this.abortError() : late() });
    }
    const { body, settings, method, origin, path } = this.image;
    const attempt = new Attempt({
      signal: this.signal,
      idleMs: attemptTimeoutMs,
      leftMs,
      takesBytes: direct,
    });
    const failed = (reason: unknown) => {
      try {
        return this.#failed(reason, token, attempt);
      } catch (error) {
        return this.#lost(error, attempt);
      }
    };
    try {
      const data = body.forAttempt(this.config, (bytes) => attempt.sent(bytes));
      this.attempts++;
      this.token = token;
      const { signal } = attempt;
      const headers = this.#headers(token);
      const request = wireRequest(settings, { method, origin, path, headers, data, signal });
      attempt.maybeSent = true;
      return transport(request, attempt).then((response) => {
        try {
          return this.#responded(response, token, attempt);
        } catch (error) {
          return this.#lost(error, attempt);
        }
      }, failed);
    } catch (error) {
      return Promise.resolve(failed(error));
    }
  }

  #responded(response: AxiosResponse, token: Token, attempt: Attempt): Outcome | Promise<Outcome> {
    this.maybeSent = true;
    redactResponse(response, this.config, this.request, token);
    const { status, data } = response;
    this.#done = status >= 200 && status < 300;
    this.ambiguous = isAmbiguousAfter(status, this.ambiguous);
    const requestId: unknown = response.headers['x-request-id'];
    if (typeof requestId === 'string') this.requestId = requestId;
    if (status !== 401) this.tokens.accepted(token.generation);
    if (status !== 429) this.#turns.passed();
    else if (this.#turns.refused(response.headers, this.requestId) && this.image.body.replayable) {
      // Moov has not read the call, so it goes again, whatever its method, at no cost but time.
      discard(data);
      attempt.end();
      return this.attempt();
    }
    if (!isStream(data)) {
      attempt.end();
      return { response };
    }
    const shield = this.#settings.unread.shield(data, {
      received: () => attempt.received(),
      failure: (error) => {
        if (this.#abortedBy !== undefined) return this.#abortedBy;
        return this.#timeoutError(attempt) ?? redactError(error, this.config, this.request, token);
      },
      // Axios's own stream, which counts bytes, does not hand its end on to the connection while it waits for some.
      ended: (whole) => (whole ? attempt.end() : attempt.giveUp()),
      info: () => this.info,
      request: this.request,
    });
    // A reader that pauses is no line on which nothing moves.
    attempt.isHeldUp = () => shield.readableDidRead && shield.readableLength > 0;
    response.data = shield;
    return { response };
  }

  #failed(reason: unknown, token: Token, attempt: Attempt): Outcome | Promise<Outcome> {
    attempt.end();
    this.maybeSent = attempt.maybeSent;
    const decided = this.signal.aborted ? undefined : attempt.decided?.();
    if (decided !== undefined) {
      decided.data = this.image.responseType === 'arraybuffer' ? Buffer.alloc(0) : '';
      return this.#responded(decided, token, attempt);
    }
    if (this.maybeSent) this.#turns.lost();
    else this.#turns.giveBack();
    const error =
      this.image.body.failure(this.config) ?? redactError(reason, this.config, this.request, token);
    if (this.maybeSent) this.ambiguous = true;
    return { error: this.signal.aborted ? this.abortError() : (this.#timeoutError(attempt) ?? error) };
  }

  /** How an attempt ended is not known, as the code that was to find out has failed. */
  #lost(error: unknown, attempt: Attempt): Outcome {
    attempt.end();
    this.maybeSent = attempt.maybeSent;
    if (this.maybeSent) this.ambiguous = true;
    return { error };
  }

  #timeoutError(attempt: Attempt): Error | undefined {
    if (attempt.timedOut === undefined) return undefined;
    const ms = attempt.timedOut === 'call' ? this.timeoutMs : this.#settings.attemptTimeoutMs;
    return axiosTimeoutError(this.config, ms);
  }

  /** A copy for one attempt, so that nothing a handler or a log can reach ever holds the token. */
  #headers(token: Token): RequestHeaders {
    const { origin } = this.#settings;
    const headers = new AxiosHeaders();
    const given = this.image.headers;
    for (const name of Object.keys(given)) {
      if (origin !== undefined && name.length === 6 && name.toLowerCase() === 'origin') continue;
      headers[name] = given[name];
    }
    headers.Authorization = `Bearer ${token.accessToken()}`;
    if (origin !== undefined) headers.Origin = origin;
    return headers;
  }
}

/**
 * Whether it is unknown, after a whole response, if Moov has acted on the call.
 *
 * 2xx says that it has. A 5xx, or a 3xx that is not followed, leaves it open. A 4xx says that this attempt did nothing,
 * and nothing of an earlier one that may have reached Moov.
 */
function isAmbiguousAfter(status: number, before: boolean): boolean {
  if (status >= 200 && status < 300) return false;
  return status < 400 || status >= 500 ? true : before;
}
