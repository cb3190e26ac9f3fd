import axios, { type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import axiosRetry from 'axios-retry';
import { FollowUp, type FollowUpRules } from './after-attempt.js';
import type { Call, Outcome } from './call.js';

/** Makes the replays and retries of a call whose first attempt failed. Resolves with its last outcome. */
export type Resend = (call: Call, first: Outcome) => Promise<Outcome>;

/** An attempt that failed, on its way through the interceptors. axios-retry reads `config`. */
class FailedAttempt extends Error {
  readonly config: InternalAxiosRequestConfig;
  readonly followUp: FollowUp;

  constructor(config: InternalAxiosRequestConfig, followUp: FollowUp) {
    super('The attempt failed');
    this.config = config;
    this.followUp = followUp;
  }
}

/**
 * Creates the inner Axios instance, with the 401 interceptor and axios-retry, and without the application's
 * interceptors. axios-retry repeats a call through the instance on which it is registered. On the outer instance, the
 * application's interceptors and transforms would run once for each attempt. A call whose first attempt succeeds does
 * not use this.
 *
 * Both interceptors ask the call's {@link FollowUp}, which decides; axios-retry counts, waits, and ends a wait on an
 * abort.
 */
export function createResend(rules: FollowUpRules): Resend {
  const inner = axios.create({ transformRequest: [], transformResponse: [], timeout: 0 });

  inner.interceptors.response.use(undefined, async (reason: unknown) => {
    if (reason instanceof FailedAttempt && (await reason.followUp.replayAfter401())) {
      return inner.request(reason.config);
    }
    throw reason;
  });

  axiosRetry(inner, {
    retries: rules.retries,
    // The call keeps its own deadline.
    shouldResetTimeout: true,
    retryCondition: (reason: unknown) => reason instanceof FailedAttempt && reason.followUp.startRetry(),
    retryDelay: (_count, reason: unknown) => (reason instanceof FailedAttempt ? reason.followUp.delayMs : 0),
    onRetry: (_count, reason: unknown) => {
      if (reason instanceof FailedAttempt) reason.followUp.retrying();
    },
  });

  return async (call, first) => {
    const followUp = new FollowUp(call, first, rules);
    let pending: Outcome | undefined = first;
    const { retries } = call.image;

    /** The first call returns the known outcome; each later call is an attempt. */
    async function adapter(config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
      const { response } = pending ?? (await followUp.attempt());
      pending = undefined;
      if (response !== undefined && response.status >= 200 && response.status < 300) return response;
      throw new FailedAttempt(config, followUp);
    }

    try {
      await inner.request({
        adapter,
        signal: call.signal,
        ...(retries === undefined ? {} : { 'axios-retry': { retries } }),
      });
      return followUp.outcome;
    } catch (reason) {
      if (reason instanceof FailedAttempt) return followUp.outcome;
      // The wait before a retry was aborted.
      return { error: axios.isCancel(reason) ? call.abortError() : reason };
    }
  };
}
