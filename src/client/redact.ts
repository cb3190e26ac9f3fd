import { type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import type { RequestSummary } from './call.js';

/**
 * A reply as the caller sees it. What comes from the transport holds the config and the request that carry the token:
 * both are replaced, by the config the caller gave and by a summary of the request.
 */
export function shownResponse(
  reply: AxiosResponse,
  config: InternalAxiosRequestConfig,
  request: RequestSummary,
): AxiosResponse {
  reply.config = config;
  reply.request = request;
  return reply;
}

/** A failure of the transport as the caller sees it; see {@link shownResponse}. */
export function shownError(
  failure: unknown,
  config: InternalAxiosRequestConfig,
  request: RequestSummary,
): unknown {
  if (!isAxiosError(failure)) return failure;
  failure.config = config;
  failure.request = request;
  if (failure.response !== undefined) shownResponse(failure.response, config, request);
  if (isAxiosError(failure.cause)) shownError(failure.cause, config, request);
  return failure;
}
