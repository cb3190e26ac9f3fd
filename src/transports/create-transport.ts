import { AxiosError } from 'axios';
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
  const { origin, protocol } = new URL(baseURL);
  const overAxios = axiosTransport(origin);
  if (transport === 'axios') return withoutConnections(overAxios);
  if (transport !== 'undici') return withoutConnections(overDispatcher(transport, origin));
  const { proxied, agents } = detectEnvironment();
  // With agents of the program's own nothing is left to undici.
  if (agents) return withoutConnections(overAxios);
  const agent = new UndiciAgent();
  const overUndici = undiciTransport(origin, (options, handler) => agent.dispatch(options, handler));
  const send = withFallback(agent, overUndici, overAxios, proxied(protocol));
  return { send, release: () => agent.release(), destroy: () => agent.destroy() };
}

/** A transport whose connections are not this package's to end. */
function withoutConnections(send: Transport): Connected {
  return { send, release: () => undefined, destroy: () => undefined };
}

/** undici for what it does as Axios does, and Axios's own adapter for the rest, call by call. */
function withFallback(
  agent: UndiciAgent,
  overUndici: Transport,
  overAxios: Transport,
  proxied: boolean,
): Transport {
  return (request, neverSent) => {
    if (unsupportedByUndici(request) !== undefined || (proxied && request.proxy !== false)) {
      return overAxios(request, neverSent);
    }
    const loading = agent.load();
    return loading === undefined
      ? overUndici(request, neverSent)
      : loading.then(() => overUndici(request, neverSent));
  };
}

/** A Dispatcher was given for its CA, its proxy, its mocks: no other way would do in its place. */
function overDispatcher(dispatcher: Dispatcher, origin: string): Transport {
  const send = undiciTransport(
    origin,
    (options, handler) => {
      dispatcher.dispatch(options, handler);
    },
    { tellsStart: false },
  );
  return async (request, neverSent) => {
    const unsupported = unsupportedByUndici(request);
    if (unsupported === undefined) return send(request, neverSent);
    neverSent();
    throw new AxiosError(
      `The Dispatcher given as transport cannot take ${unsupported} of a call`,
      AxiosError.ERR_BAD_OPTION,
      request,
    );
  };
}
