import axios, { type AxiosResponse } from 'axios';
import type { Dispatcher } from 'undici';
import { toError } from '../../utils/errors.js';
import { pathTo } from '../destination.js';
import type { Transport, WireRequest } from '../transport.js';
import { requestHeaders } from './headers.js';
import { type RequestBody, requestBody } from './request-body.js';
import { UndiciResponseHandler } from './response-handler.js';

/** Passes a request to undici. */
export type Dispatch = (options: Dispatcher.DispatchOptions, handler: UndiciResponseHandler) => void;

/**
 * Sends requests over undici, with the same responses and errors as Axios.
 *
 * The signal of the request is its only time limit.
 */
export function undiciTransport(origin: string, dispatch: Dispatch): Transport {
  return (request, observer) =>
    new Promise<AxiosResponse>((resolve, reject) => {
      const handler = new UndiciResponseHandler(request, observer, resolve, reject);
      if (request.signal?.aborted) return handler.fail(new axios.CanceledError(undefined, request));
      try {
        const path = pathTo(origin, request);
        const body = requestBody(request, request.headers);
        if (!(body instanceof Promise)) return send(path, request, body, handler);
        body.then(
          (form) => send(path, request, form, handler),
          (error: unknown) => handler.fail(toError(error)),
        );
      } catch (error) {
        handler.fail(toError(error));
      }
    });

  function send(path: string, request: WireRequest, body: RequestBody, handler: UndiciResponseHandler): void {
    handler.sends(body);
    if (handler.over) return;
    try {
      const method = (request.method ?? 'get').toUpperCase();
      dispatch(new DispatchOptions(origin, path, method, requestHeaders(request.headers), body), handler);
    } catch (error) {
      handler.reject(toError(error));
    }
  }
}

/**
 * The input of undici. It inherits nothing, because undici would also read `upgrade`, for example, from
 * `Object.prototype`.
 */
class DispatchOptions implements Dispatcher.DispatchOptions {
  readonly headersTimeout = 0;
  readonly bodyTimeout = 0;

  constructor(
    readonly origin: string,
    readonly path: string,
    readonly method: string,
    readonly headers: string[],
    readonly body: RequestBody,
  ) {}
}
Object.setPrototypeOf(DispatchOptions.prototype, null);
