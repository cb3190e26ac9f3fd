import { AxiosError } from 'axios';
import type { Dispatcher } from 'undici';
import type { TransportChoice } from '../config/connection-options.js';
import { isObject } from '../utils/value-type.js';
import { axiosTransport } from './axios-transport.js';
import type { Connected } from './transport.js';
import { UndiciAgent } from './undici/agent.js';
import { detectEnvironment, unsupportedByUndici } from './undici/support.js';
import { undiciTransport } from './undici/undici-transport.js';

/**
 * The transport that an option chooses. The environment's proxy variables and Node's global agents are read
 * here, once.
 */
export function createTransport({
  transport,
  baseURL,
}: {
  transport: TransportChoice;
  baseURL: string;
}): Connected {
  const { origin, protocol } = new URL(baseURL);
  if (transport === 'axios') return axiosTransport(origin);
  if (transport !== 'undici') return overDispatcher(transport, origin);
  const { proxied, agents } = detectEnvironment();
  // With custom agents there is nothing that undici could send.
  return agents ? axiosTransport(origin) : withFallback(origin, proxied(protocol));
}

/** Uses undici for calls in which it behaves like Axios, and Axios's own adapter for all others. */
function withFallback(origin: string, proxied: boolean): Connected {
  const agent = new UndiciAgent(origin);
  const overUndici = undiciTransport(origin, (options, handler) => agent.dispatch(options, handler));
  const overAxios = axiosTransport(origin);
  return {
    send(request, observer) {
      if (unsupportedByUndici(request) !== undefined || (proxied && request.proxy !== false)) {
        return overAxios.send(request, observer);
      }
      const loading = agent.load();
      return loading === undefined
        ? overUndici(request, observer)
        : loading.then(() => overUndici(request, observer));
    },
    release: () => agent.release(),
  };
}

/** undici's own Dispatchers, which report each request that begins. */
const ofUndici = new Set([
  'Agent',
  'BalancedPool',
  'Client',
  'EnvHttpProxyAgent',
  'MockAgent',
  'Pool',
  'ProxyAgent',
  'RoundRobinPool',
  'Socks5ProxyAgent',
]);

/**
 * Whether a Dispatcher is an unmodified one of undici. One that was composed with interceptors, which may repeat a
 * request without reporting it, has another `dispatch` than its class.
 */
function isOfUndici(dispatcher: Dispatcher): boolean {
  const prototype: unknown = Object.getPrototypeOf(dispatcher);
  if (!isObject(prototype)) return false;
  return (
    ofUndici.has(dispatcher.constructor.name) && Reflect.get(prototype, 'dispatch') === dispatcher.dispatch
  );
}

/**
 * Uses a given Dispatcher for everything, because nothing else has its CA, proxy or mocks. It owns its connections, but
 * not the requests on them.
 */
function overDispatcher(dispatcher: Dispatcher, origin: string): Connected {
  const knowledge = { reportsStart: isOfUndici(dispatcher) };
  const send = undiciTransport(origin, (options, handler) => {
    handler.dispatched(knowledge);
    dispatcher.dispatch(options, handler);
  });
  return {
    async send(request, observer) {
      const unsupported = unsupportedByUndici(request);
      if (unsupported === undefined) return send(request, observer);
      observer.neverSent();
      throw new AxiosError(
        `The Dispatcher given as transport does not support ${unsupported} in a call`,
        AxiosError.ERR_BAD_OPTION,
        request,
      );
    },
    release: () => undefined,
  };
}
