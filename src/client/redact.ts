import { type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import type { RequestSummary } from './call.js';

/**
 * A reply as the caller sees it. What comes from the transport holds the config and the request that carry the token:
 * both are replaced, by the config the caller gave and by a summary of the request.
 */
export function redactResponse(
  reply: AxiosResponse,
  config: InternalAxiosRequestConfig,
  request: RequestSummary,
): AxiosResponse {
  reply.config = config;
  reply.request = request;
  return reply;
}

/** A failure of the transport as the caller sees it; see {@link redactResponse}. */
export function redactError(
  failure: unknown,
  config: InternalAxiosRequestConfig,
  request: RequestSummary,
): unknown {
  if (!isAxiosError(failure)) return failure;
  failure.config = config;
  failure.request = request;
  if (failure.response !== undefined) redactResponse(failure.response, config, request);
  if (isAxiosError(failure.cause)) redactError(failure.cause, config, request);
  return failure;
}
