import { AxiosError, type InternalAxiosRequestConfig } from 'axios';
import type { Dispatcher } from 'undici';
import type { TransportChoice } from '../config/connection-options.js';
import { axiosTransport } from './axios-transport.js';
import type { Connected, Transport } from './transport.js';
import { UndiciAgent } from './undici/agent.js';
import { detectEnvironment, unsupportedByUndici } from './undici/support.js';
import { undiciTransport } from './undici/undici-transport.js';

/**
 * The transport that an option chooses. The environment's proxy variables and Node's global agents are looked at
 * here, once.
 */
export function createTransport({
  transport,
  baseURL,
}: {
  transport: TransportChoice;
  baseURL: string;
}): Connected {
  if (transport === 'axios') return { send: axiosTransport, release: () => undefined };
  if (transport !== 'undici') return { send: over(transport), release: () => undefined };
  const { proxied, agents } = detectEnvironment();
  // With agents of the program's own nothing is left to undici.
  if (agents) return { send: axiosTransport, release: () => undefined };
  const pool = new UndiciAgent();
  const send = undiciTransport((options, exchange) => pool.dispatch(options, exchange));
  const environment = proxied(new URL(baseURL).protocol);
  return { send: withFallback(pool, send, environment), release: () => pool.release() };
}

/** undici for what it does as Axios does, and Axios's own adapter for the rest, call by call. */
function withFallback(pool: UndiciAgent, send: Transport, proxied: boolean): Transport {
  return (config, handed) => {
    if (unsupportedByUndici(config) !== undefined || (proxied && config.proxy !== false)) {
      return axiosTransport(config, handed);
    }
    const loading = pool.load();
    return loading === undefined ? send(config, handed) : loading.then(() => send(config, handed));
  };
}

/** A Dispatcher was given for its CA, its proxy, its mocks: no other way would do in its place. */
function over(dispatcher: Dispatcher): Transport {
  const send = undiciTransport((options, exchange) => {
    dispatcher.dispatch(options, exchange);
  });
  return async (config, handed) => {
    const beyond = unsupportedByUndici(config);
    if (beyond !== undefined) throw unsupported(beyond, config);
    return send(config, handed);
  };
}

function unsupported(what: string, config: InternalAxiosRequestConfig): AxiosError {
  return new AxiosError(
    `The Dispatcher given as transport cannot take ${what} of a call`,
    AxiosError.ERR_BAD_OPTION,
    config,
  );
}
