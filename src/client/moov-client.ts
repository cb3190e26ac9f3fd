import axios, {
  type AxiosAdapter,
  AxiosHeaders,
  type AxiosInstance,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import type { Settings } from '../config/resolve.js';
import type { Emit } from '../events.js';
import type { RateLimits } from '../rate-limit/rate-limits.js';
import type { TokenSupplier } from '../tokens/token-supplier.js';
import { baseOf } from '../transports/base-url.js';
import type { Transport } from '../transports/transport.js';
import { userAgent } from '../version.js';
import { FollowUp } from './after-attempt.js';
import { type SendBytes, throughAdapter, throughInstance } from './byte-calls.js';
import { Call, type CallSettings, type Outcome } from './call.js';
import { hasCallInfo, withCallInfo } from './call-info.js';
import type { CallTarget } from './call-target.js';
import { CallerSignals } from './caller-signals.js';
import { closeInstance, dropReserved } from './closed-instance.js';
import { interceptOutcomes } from './intercept-outcomes.js';
import { OpenCalls } from './open-calls.js';
import { hideRequestBody } from './private-bodies.js';
import { createResend } from './resend.js';
import { RetryBudget } from './retry-budget.js';
import { settle } from './settle.js';
import { UnreadStreams } from './streams.js';
import { assertAdapter, assertHTTP1 } from './validate-request.js';
import { type ConnectionSettings, callImage, noConnection, takeConnection } from './wire-image.js';

const LARGEST_RESPONSE_BYTES = 10 * 1_048_576;

/** How long `close()` waits for calls in flight. */
const CLOSE_GRACE_MS = 5_000;

/** What the adapter of an instance has to know of it, some of which is known when the application has configured it. */
interface Instance {
  readonly target: CallTarget;
  readonly connection: ConnectionSettings;
  /** Whether the application has response interceptors of its own. */
  isIntercepted: boolean;
}

/** The Axios instances of one `MoovAuth`. */
export interface MoovClients {
  /** Returns the instance of a target: made at first, and the same one afterwards. */
  of(target: CallTarget): AxiosInstance;
  /** Returns what makes calls of bytes with the tokens and the defaults of one of these instances. */
  bytes(client: AxiosInstance): SendBytes;
  /** Waits up to 5 s for the calls in flight, then ends those, and streamed responses of which nothing was read. */
  close(): Promise<void>;
}

/**
 * Makes the Axios instances that handlers see as `req.moov`: one for each token source and priority, alike in everything else.
 *
 * A call passes the application's request interceptors and transforms, and then this package's adapter: it is checked,
 * what it sends is computed once, and the first attempt is made. A failure that may be replayed or retried goes on
 * through the inner instance of {@link createResend}. What has been settled passes the application's
 * `validateStatus`, `transformResponse` and response interceptors.
 */
export function createMoovClients(
  settings: Settings,
  emit: Emit,
  transport: Transport,
  limits: RateLimits | undefined,
): MoovClients {
  const config = {
    maxContentLength: LARGEST_RESPONSE_BYTES,
    ...settings.axios,
    baseURL: settings.baseURL,
    maxRedirects: 0,
    timeout: settings.timeoutMs,
  };
  // Made once, so that what the program sets later in Axios's own defaults reaches none of the instances, and not some.
  const template = axios.create(config);
  dropReserved(template.defaults);
  const { origin, attemptTimeoutMs } = settings;
  const base = baseOf(settings.baseURL);
  const budget = settings.retryBudget ? new RetryBudget() : undefined;
  const resend = createResend({ retries: settings.retries, budget, emit });
  const unread = new UnreadStreams();
  const open = new OpenCalls();
  const ofCalls: CallSettings = {
    origin,
    attemptTimeoutMs,
    transport,
    unread,
    signals: new CallerSignals(),
    limits,
    direct: false,
  };
  const ofDirectCalls = { ...ofCalls, direct: true };
  const calls = new WeakMap<object, Call>();
  const made = {
    foreground: new WeakMap<TokenSupplier, AxiosInstance>(),
    background: new WeakMap<TokenSupplier, AxiosInstance>(),
  };
  const direct = new WeakMap<AxiosInstance, SendBytes>();

  return {
    of(target) {
      // One token source is of one account, so there are two instances of it at most.
      const clients = target.isBackground ? made.background : made.foreground;
      const known = clients.get(target.tokens);
      if (known !== undefined) return known;
      const client = create(target);
      clients.set(target.tokens, client);
      return client;
    },
    bytes: (client) => direct.get(client) ?? throughInstance(client),
    async close() {
      limits?.close();
      unread.close();
      await open.close(CLOSE_GRACE_MS);
      unread.close();
    },
  };

  function create(target: CallTarget): AxiosInstance {
    const instance = { target, connection: noConnection(), isIntercepted: false };
    const adapter = adapterFor(instance, ofCalls);
    const client = template.create({ ...config, adapter });
    const intercept = (call: InternalAxiosRequestConfig) => versioned(call, settings.apiVersion);
    client.interceptors.request.use(
      (call) => {
        assertAdapter(call, adapter);
        return intercept(call);
      },
      undefined,
      { synchronous: true },
    );
    settings.configure?.(client);
    instance.isIntercepted = interceptOutcomes(client, calls);
    Object.assign(instance.connection, takeConnection(client.defaults));
    assertHTTP1(client.defaults.httpVersion);
    closeInstance(client);
    if (settings.configure === undefined) {
      direct.set(client, throughAdapter(client, adapterFor(instance, ofDirectCalls), intercept));
    }
    return client;
  }

  function adapterFor(instance: Instance, callSettings: CallSettings): AxiosAdapter {
    const { target, connection } = instance;
    return (config) => {
      try {
        hideRequestBody(config);
        const call = new Call(config, callImage(config, base, connection), target, callSettings);
        if (instance.isIntercepted || call.image.signal !== undefined) calls.set(config, call);
        open.add(call);
        budget?.earn();
        return call.attempt().then((outcome) => conclude(call, outcome));
      } catch (error) {
        return Promise.reject(withCallInfo(error, { attempts: 0, ambiguous: false }, undefined, config));
      }
    };
  }

  function conclude(call: Call, outcome: Outcome) {
    try {
      if (FollowUp.isPossible(call, outcome)) return resend(call, outcome).then((last) => end(call, last));
    } catch (error) {
      return end(call, { error });
    }
    return end(call, outcome);
  }

  function end(call: Call, outcome: Outcome): AxiosResponse {
    call.whenOver(outcome.response, () => open.delete(call));
    try {
      return settle(call, outcome, emit);
    } catch (error) {
      // Also where this package's own code has failed.
      if (hasCallInfo(error)) throw error;
      throw withCallInfo(error, call.infoWithoutResponse, call.request, call.config);
    }
  }
}

/** Sets `X-Moov-Version`, which a call may set itself. Other interceptors may have left plain objects as headers. */
function versioned(call: InternalAxiosRequestConfig, apiVersion: string): InternalAxiosRequestConfig {
  const headers = call.headers instanceof AxiosHeaders ? call.headers : AxiosHeaders.from(call.headers);
  let [version, agent] = [false, false];
  for (const name of Object.keys(headers)) {
    if (headers[name] === undefined) continue;
    if (name.length === 14 && name.toLowerCase() === 'x-moov-version') version = true;
    if (name.length === 10 && name.toLowerCase() === 'user-agent') agent = true;
  }
  if (!version) headers.set('X-Moov-Version', apiVersion);
  if (!agent) headers.set('User-Agent', userAgent);
  call.headers = headers;
  return call;
}
