import { AxiosError, type AxiosInstance, type AxiosResponse, isAxiosError } from 'axios';
import { MoovReplayError } from '../errors.js';
import type { Emit } from '../events.js';
import { isReplayable } from './bodies.js';
import { attachCallInfo, currentCall } from './call.js';
import { discard } from './streams.js';
import { waitForToken } from './wait-for-token.js';

/**
 * The interceptor of failed responses that answers a 401: it obtains a new token, or takes the one that another
 * call has obtained meanwhile, and replays the call once.
 *
 * @param replay - An instance without the application's interceptors, so that these run once for each call.
 */
export function onUnauthorized(replay: AxiosInstance, emit: Emit) {
  return async (error: unknown): Promise<AxiosResponse> => {
    const config = isAxiosError(error) && error.response?.status === 401 ? error.config : undefined;
    const call = currentCall(config);
    if (config === undefined || call === undefined || call.over || !(error instanceof AxiosError))
      throw error;
    const { method, path } = call.request;
    if (call.replayed) {
      call.tokens.stillUnauthorized(call.generation);
      call.over = true;
      throw error;
    }
    const token = call.tokens.tokenAfter401(call.generation, config.signal)?.token;
    emit({ type: 'call.unauthorized', method, path, renewing: token instanceof Promise });
    if (token === undefined) {
      call.over = true;
      throw error;
    }
    try {
      if (!isReplayable(config.data)) {
        // The next call is to find a new token all the same.
        if (token instanceof Promise) token.catch(() => undefined);
        throw new MoovReplayError(
          'Moov answered 401, and the call cannot be sent again with a new token as its body is a stream',
          { upstreamStatus: 401, requestId: call.requestId, cause: error },
        );
      }
      if (token instanceof Promise) await waitForToken(token, config, call);
    } catch (reason) {
      call.over = true;
      if (reason instanceof Error) attachCallInfo(reason, call.info);
      throw reason;
    }
    discard(error.response?.data);
    call.replayed = true;
    config.transformRequest = [(data: unknown) => data];
    emit({ type: 'call.replayed', method, path });
    return replay.request(config);
  };
}
