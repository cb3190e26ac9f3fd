import { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { MoovReplayError } from '../errors.js';
import { statusError } from './authenticated-adapter.js';
import { attachCallInfo, currentCall, hasCallInfo } from './call.js';
import { isOwnEarlierAttempt } from './idempotent-conflict.js';

/**
 * The last of this package's interceptors: what the caller gets. His `validateStatus` judges here, once, after 401
 * handling and retries have looked at the status as it is.
 */
export const result = {
  fulfilled(response: AxiosResponse): AxiosResponse {
    if (accepts(response.config, response.status)) return delivered(response);
    throw rejectedAlthoughDone(statusError(response));
  },

  rejected(error: unknown): AxiosResponse {
    if (!(error instanceof AxiosError)) {
      if (error instanceof Error && !hasCallInfo(error))
        attachCallInfo(error, { attempts: 0, ambiguous: false });
      throw error;
    }
    const call = currentCall(error.config);
    const { response } = error;
    if (call?.unrepeatable) {
      const replay = new MoovReplayError(
        'The call failed, and cannot be retried as its body is a stream that is used up',
        { upstreamStatus: response?.status, requestId: call.requestId, cause: delivered(error) },
      );
      attachCallInfo(replay, call.info);
      throw replay;
    }
    if (response !== undefined && call !== undefined && error === call.refusal) {
      if (isOwnEarlierAttempt(response, call)) {
        call.ambiguous = false;
        return delivered(response);
      }
      if (accepts(response.config, response.status)) return delivered(response);
    }
    throw rejectedAlthoughDone(error);
  },
};

/** An error about a 2xx reply, such as one that can't be parsed, must not read as if Moov had done nothing. */
function rejectedAlthoughDone(error: AxiosError): AxiosError {
  const call = currentCall(error.config);
  if (call?.responded && error.response !== undefined && error.response.status < 300) call.ambiguous = true;
  return delivered(error);
}

function accepts(config: InternalAxiosRequestConfig, status: number): boolean {
  const { validateStatus } = config;
  try {
    return !validateStatus || validateStatus(status);
  } catch (error) {
    const info = currentCall(config)?.info ?? { attempts: 0, ambiguous: false };
    if (error instanceof Error) attachCallInfo(error, { ...info, ambiguous: info.ambiguous || status < 300 });
    throw error;
  }
}

/** Tells what became of the call, and takes its traces off the config, so that it can be sent anew. */
function delivered<T extends AxiosResponse | AxiosError>(outcome: T): T {
  const call = currentCall(outcome.config);
  attachCallInfo(outcome, call?.info ?? { attempts: 0, ambiguous: false });
  if (call !== undefined && outcome.config !== undefined) call.leave(outcome.config);
  return outcome;
}
