import axios, { type AxiosResponse } from 'axios';
import type { Dispatcher } from 'undici';
import { toError } from '../../utils/errors.js';
import { pathTo } from '../destination.js';
import type { Transport, WireRequest } from '../transport.js';
import { requestHeaders } from './headers.js';
import { type RequestBody, requestBody } from './request-body.js';
import { UndiciResponseHandler } from './response-handler.js';

/** Gives a request to undici. */
export type Dispatch = (options: Dispatcher.DispatchOptions, handler: UndiciResponseHandler) => void;

/** What is known of the Dispatcher that requests are given to. */
export interface DispatcherTraits {
  /** Whether it tells each request that begins; a Dispatcher of the application's may keep that to itself. */
  readonly tellsStart: boolean;
}

/**
 * Axios's behaviour over undici: the same responses, the same errors.
 *
 * The request's signal is the only limit of time.
 */
export function undiciTransport(
  origin: string,
  dispatch: Dispatch,
  { tellsStart }: DispatcherTraits = { tellsStart: true },
): Transport {
  return (request, neverSent) =>
    new Promise<AxiosResponse>((resolve, reject) => {
      const handler = new UndiciResponseHandler(request, neverSent, resolve, reject);
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
      const options = {
        origin,
        path,
        method: (request.method ?? 'get').toUpperCase(),
        headers: requestHeaders(request.headers),
        body,
        headersTimeout: 0,
        bodyTimeout: 0,
      };
      if (!tellsStart) handler.dispatched();
      dispatch(options, handler);
    } catch (error) {
      handler.reject(toError(error));
    }
  }
}
