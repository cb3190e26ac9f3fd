import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { isMoovAuthError } from '../src/errors.js';
import {
  MoovAuthError,
  MoovConfigError,
  MoovOriginError,
  MoovReplayError,
  MoovRevokeError,
  MoovScopeError,
  MoovTokenError,
  MoovUnavailableError,
  MoovWebhookError,
} from '../src/index.js';

const cause = new Error('why');
const details = {
  headers: { 'Retry-After': '7' },
  upstreamStatus: 422,
  requestId: 'req-1',
  cause,
};
const fields = { scope: 'is unknown' };

const table = [
  {
    error: new MoovConfigError('m'),
    Class: MoovConfigError,
    name: 'MoovConfigError',
    status: 500,
    code: 'ERR_MOOV_CONFIG',
  },
  {
    error: new MoovScopeError('m'),
    Class: MoovScopeError,
    name: 'MoovScopeError',
    status: 400,
    code: 'ERR_MOOV_SCOPE',
  },
  {
    error: new MoovOriginError('m'),
    Class: MoovOriginError,
    name: 'MoovOriginError',
    status: 500,
    code: 'ERR_MOOV_ORIGIN',
  },
  {
    error: new MoovReplayError('m'),
    Class: MoovReplayError,
    name: 'MoovReplayError',
    status: 500,
    code: 'ERR_MOOV_REPLAY',
  },
  {
    error: new MoovTokenError('m', { code: 'ERR_MOOV_TOKEN_REFUSED' }),
    Class: MoovTokenError,
    name: 'MoovTokenError',
    status: 502,
    code: 'ERR_MOOV_TOKEN_REFUSED',
  },
  {
    error: new MoovUnavailableError('m', { code: 'ERR_MOOV_TIMEOUT' }),
    Class: MoovUnavailableError,
    name: 'MoovUnavailableError',
    status: 503,
    code: 'ERR_MOOV_TIMEOUT',
  },
  {
    error: new MoovRevokeError('m', { code: 'ERR_MOOV_REVOKE_REFUSED' }),
    Class: MoovRevokeError,
    name: 'MoovRevokeError',
    status: 502,
    code: 'ERR_MOOV_REVOKE_REFUSED',
  },
  {
    error: new MoovWebhookError('m', { code: 'ERR_MOOV_WEBHOOK_SIGNATURE' }),
    Class: MoovWebhookError,
    name: 'MoovWebhookError',
    status: 401,
    code: 'ERR_MOOV_WEBHOOK_SIGNATURE',
  },
];

describe.each(table)('$name', ({ error, Class, name, status, code }) => {
  test('is an Error, a MoovAuthError and no other class', () => {
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(MoovAuthError);
    expect(table.filter((other) => error instanceof other.Class).map((other) => other.Class)).toEqual([
      Class,
    ]);
    expect(isMoovAuthError(error)).toBe(true);
  });

  test('has a name, a message, a stable code and the status for the host to answer with', () => {
    expect(error).toMatchObject({ name, message: 'm', status, code });
    expect(String(error)).toBe(`${name}: m`);
    expect(error.stack).toContain(`${name}: m`);
    expect(error.stack).toContain('errors.test.ts');
  });

  test('is no Axios error', () => {
    expect(error.isAxiosError).toBe(false);
  });

  test('unknown details are absent, also from logs', () => {
    for (const key of ['headers', 'upstreamStatus', 'requestId', 'moov', 'fields', 'cause']) {
      expect(error).not.toHaveProperty(key);
    }
    expect(inspect(error)).not.toContain('undefined');
    expect(JSON.parse(JSON.stringify(error))).toEqual({ name, message: 'm', code, status });
  });
});

describe('details', () => {
  test.each([
    new MoovTokenError('m', { ...details, code: 'ERR_MOOV_TOKEN_REFUSED', fields }),
    new MoovRevokeError('m', { ...details, code: 'ERR_MOOV_REVOKE_REFUSED', fields }),
    new MoovUnavailableError('m', { ...details, code: 'ERR_MOOV_RATE_LIMITED' }),
    new MoovWebhookError('m', { ...details, code: 'ERR_MOOV_WEBHOOK_BODY' }),
    new MoovOriginError('m', details),
    new MoovReplayError('m', details),
  ])('of a $name are its properties', (error) => {
    expect(error).toMatchObject(details);
    expect(error.cause).toBe(cause);
    expect(Object.keys(error)).not.toContain('cause');
    if ('fields' in error) expect(error.fields).toEqual(fields);
  });

  test('JSON has what a log needs, without the stack and the cause', () => {
    const error = new MoovTokenError('m', { ...details, code: 'ERR_MOOV_TOKEN_REFUSED' });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'MoovTokenError',
      message: 'm',
      code: 'ERR_MOOV_TOKEN_REFUSED',
      status: 502,
      headers: { 'Retry-After': '7' },
      upstreamStatus: 422,
      requestId: 'req-1',
    });
  });
});

test.each([
  ['ERR_MOOV_WEBHOOK_SIGNATURE', 401],
  ['ERR_MOOV_WEBHOOK_EXPIRED', 401],
  ['ERR_MOOV_WEBHOOK_BODY', 400],
  ['ERR_MOOV_WEBHOOK_TOO_LARGE', 413],
  ['ERR_MOOV_WEBHOOK_IN_PROGRESS', 409],
] as const)('a refused webhook is answered by its code: %s, %i', (code, status) => {
  expect(new MoovWebhookError('m', { code }).status).toBe(status);
});

describe('isMoovAuthError', () => {
  test('knows an error of the package’s other build by its brand', () => {
    class OtherBuild extends Error {}
    Object.defineProperty(OtherBuild.prototype, Symbol.for('express-moov-auth.error'), { value: true });
    expect(isMoovAuthError(new OtherBuild())).toBe(true);
  });

  test.each([
    new Error('x'),
    { code: 'ERR_MOOV_CONFIG' },
    null,
    undefined,
    'ERR_MOOV_CONFIG',
    runInNewContext('({})'),
  ])('not %o', (value) => {
    expect(isMoovAuthError(value)).toBe(false);
  });
});
