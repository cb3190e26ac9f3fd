import axios, { type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { Dispatcher } from 'undici';
import { toError } from '../../utils/errors.js';
import type { RequestHeaders, Transport } from '../transport.js';
import { failure } from './failures.js';
import { requestHeaders } from './headers.js';
import { type RequestBody, requestBody } from './request-body.js';
import { targeting } from './request-target.js';
import { UndiciResponseHandler } from './response-handler.js';

/** Gives a request to undici. */
export type Dispatch = (options: Dispatcher.DispatchOptions, exchange: UndiciResponseHandler) => void;

/**
 * Axios's behaviour over undici: the same replies, the same errors.
 *
 * The config's signal is the only limit of time.
 */
export function undiciTransport(dispatch: Dispatch): Transport {
  const targetOf = targeting();

  return (config, handed) =>
    new Promise<AxiosResponse>((resolve, reject) => {
      if (config.signal?.aborted) throw new axios.CanceledError(undefined, config);
      const { headers } = config;
      const body = requestBody(config, headers);
      if (!(body instanceof Promise))
        return send(config, headers, body, new UndiciResponseHandler(config, handed, resolve, reject));
      const exchange = new UndiciResponseHandler(config, handed, resolve, reject);
      body.then(
        (form) => send(config, headers, form, exchange),
        (error: unknown) => exchange.fail(toError(error)),
      );
    });

  function send(
    config: InternalAxiosRequestConfig,
    headers: RequestHeaders,
    body: RequestBody,
    exchange: UndiciResponseHandler,
  ): void {
    exchange.sends(body);
    if (exchange.over) return;
    try {
      const { origin, path } = targetOf(config);
      dispatch(
        {
          origin,
          path,
          method: (config.method ?? 'get').toUpperCase(),
          headers: requestHeaders(headers),
          body,
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        exchange,
      );
    } catch (error) {
      exchange.fail(failure(toError(error), config, undefined));
    }
  }
}
