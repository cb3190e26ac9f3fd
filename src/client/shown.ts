import { type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import type { RequestSummary } from './call.js';

/** How a reply or a failure of the transport is shown to the caller. */
export interface Shown {
  response(response: AxiosResponse): AxiosResponse;
  error(error: unknown): unknown;
}

/**
 * What comes from the transport holds the config and the request that carry the token. Here both are replaced,
 * by the config the caller gave and by a summary of the request.
 */
export function shown(config: InternalAxiosRequestConfig, request: RequestSummary): Shown {
  function response(reply: AxiosResponse): AxiosResponse {
    reply.config = config;
    reply.request = request;
    return reply;
  }

  function error(failure: unknown): unknown {
    if (!isAxiosError(failure)) return failure;
    failure.config = config;
    failure.request = request;
    if (failure.response !== undefined) response(failure.response);
    if (isAxiosError(failure.cause)) error(failure.cause);
    return failure;
  }

  return { response, error };
}
