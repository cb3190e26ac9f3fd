import { describe, expect, it } from 'vitest';
import {
  type MoovAuthError,
  MoovConfigError,
  MoovOriginError,
  MoovTokenError,
  MoovUnavailableError,
} from '../../src/errors.js';
import { RenewalFailure } from '../../src/tokens/renewal-failure.js';

const refused = { upstreamStatus: 400, requestId: 'r-1' };

describe('a failure to obtain a token', () => {
  it.each<[string, MoovAuthError, number]>([
    ['a refused key', new MoovTokenError('no', { code: 'ERR_MOOV_CREDENTIALS_REFUSED' }), 60_000],
    ['a refused request', new MoovTokenError('no', { code: 'ERR_MOOV_TOKEN_REFUSED' }), 60_000],
    ['a wrong option', new MoovConfigError('no'), 60_000],
    ['a reply that is no token', new MoovTokenError('no', { code: 'ERR_MOOV_TOKEN_REPLY' }), 1_000],
    ['a redirect to elsewhere', new MoovOriginError('no'), 1_000],
    ['an outage', new MoovUnavailableError('no', { code: 'ERR_MOOV_SERVER_ERROR' }), 1_000],
  ])('by %s is followed by a probe when that can help', (_what, error, waitMs) => {
    const { retryInMs: probeInMs } = new RenewalFailure(error, undefined);
    expect(probeInMs).toBeGreaterThan(waitMs - 1_000);
    expect(probeInMs).toBeLessThanOrEqual(waitMs * 1.1);
  });

  it.each<[string, MoovAuthError]>([
    [
      'a refusal',
      new MoovTokenError('no', { ...refused, code: 'ERR_MOOV_TOKEN_REFUSED', fields: { scope: 'unknown' } }),
    ],
    ['an outage', new MoovUnavailableError('no', { ...refused, code: 'ERR_MOOV_SERVER_ERROR' })],
    ['a redirect to elsewhere', new MoovOriginError('no', refused)],
  ])('by %s gives each caller its own error of the same class', (_what, error) => {
    const failure = new RenewalFailure(error, undefined);
    const told = failure.toError();
    expect(told.constructor).toBe(error.constructor);
    expect(told).toMatchObject({ ...error, message: 'No token for Moov: no', cause: error });
    expect(told.headers?.['Retry-After']).toMatch(/^\d+$/);
    expect(failure.toError()).not.toBe(told);
  });

  it('of another kind is reported as Moov being unreachable, with its cause', () => {
    const fault = new TypeError('fault');
    const failure = new RenewalFailure(fault, undefined);
    expect(failure.toError()).toBeInstanceOf(MoovUnavailableError);
    expect(failure.error).toMatchObject({ code: 'ERR_MOOV_NETWORK', cause: fault });
  });
});
