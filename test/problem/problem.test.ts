import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  type MoovAuthOptions,
  MoovConfigError,
  type MoovProblemOptions,
  MoovScopeError,
  MoovTokenError,
  MoovUnavailableError,
  moovProblem,
} from '../../src/index.js';
import { failure, startMoov } from '../helpers/moov.js';

const account = '/accounts/b1d2c3a4-0000-4000-8000-000000000001';

/** Enough for Moov to make an account. */
const individual = {
  accountType: 'individual',
  profile: { individual: { name: { firstName: 'Jane', lastName: 'Doe' } } },
};

/** The error of a call that Moov answers with a status and a body. */
async function refused(
  { status, body }: { status: number; body?: object },
  method: 'GET' | 'PATCH' = 'GET',
  options: MoovAuthOptions = {},
): Promise<Error> {
  const { sandbox, moov } = await startMoov({ retries: 0, ...options });
  sandbox.fail({ path: account, status, ...(body === undefined ? {} : { body }), times: 3 });
  return failure(moov.client.request({ method, url: account, data: method === 'PATCH' ? {} : undefined }));
}

test('describes a failed call for any framework', async () => {
  expect(moovProblem(await refused({ status: 404 }))).toEqual({
    status: 404,
    headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/problem+json; charset=utf-8' },
    body: {
      type: 'about:blank',
      status: 404,
      title: 'Not Found',
      code: 'ERR_MOOV_NOT_FOUND',
      requestId: expect.stringMatching(/^[\w-]+$/),
    },
  });
});

test('describes an error of this package, with its headers', () => {
  const error = new MoovUnavailableError('for the engineers', {
    code: 'ERR_MOOV_SERVER_ERROR',
    headers: { 'Retry-After': '7', 'bad name': 'x', 'X-Bad': 'a\r\nb' },
  });
  expect(moovProblem(error)).toEqual({
    status: 503,
    headers: {
      'Retry-After': '7',
      'Cache-Control': 'no-store',
      'Content-Type': 'application/problem+json; charset=utf-8',
    },
    body: { type: 'about:blank', status: 503, title: 'Service Unavailable', code: 'ERR_MOOV_SERVER_ERROR' },
  });
});

test.each([undefined, null, 'text', new Error('of the application'), { status: 404 }])(
  'returns undefined for what is not of this package: %j',
  (error) => {
    expect(moovProblem(error)).toBeUndefined();
  },
);

test('reads no environment: messages are left out under NODE_ENV=test too', async () => {
  expect(process.env.NODE_ENV).toBe('test');
  const error = await refused({ status: 401 });
  expect(moovProblem(error)?.body).not.toHaveProperty('detail');
  expect(moovProblem(error, { exposeMessage: true })?.body.detail).toMatch(
    /status code 401: the token is expired/,
  );
  const ofToken = new MoovTokenError('refused', { code: 'ERR_MOOV_TOKEN_REFUSED' });
  expect(moovProblem(ofToken)?.body).not.toHaveProperty('detail');
  expect(moovProblem(ofToken, { exposeMessage: true })?.body.detail).toBe('refused');
});

test('shows the message of a 400 of this package, which is about the request', () => {
  expect(moovProblem(new MoovScopeError('no account'))?.body.detail).toBe('no account');
});

test.each([
  [{ exposeUpstream: 'all' }, /exposeUpstream: expected true, false or 'validation'; got/],
  [{ exposeMessage: 1 }, /exposeMessage: expected true or false/],
  [{ exposeMessages: true }, /moovProblem: unknown option "exposeMessages". Did you mean "exposeMessage"\?/],
])('refuses a wrong option: %j', (options, message) => {
  const call = () => Reflect.apply(moovProblem, undefined, [new Error('no'), options]);
  expect(call).toThrow(MoovConfigError);
  expect(call).toThrow(message);
});

describe('ambiguous', () => {
  test('is shown for writes alone', async () => {
    expect(moovProblem(await refused({ status: 500 }, 'PATCH'))?.body.ambiguous).toBe(true);
    expect(moovProblem(await refused({ status: 500 }, 'GET'))?.body).not.toHaveProperty('ambiguous');
    expect(moovProblem(await refused({ status: 404 }, 'PATCH'))?.body).not.toHaveProperty('ambiguous');
  });

  test('follows the request also where the error is no AxiosError', async () => {
    const options: MoovAuthOptions = {
      configure: (instance) => {
        instance.interceptors.response.use(() => {
          throw new Error("the application's own");
        });
      },
    };
    const { moov } = await startMoov(options);
    const read = await failure(moov.client.get('/accounts'));
    const write = await failure(moov.client.post('/accounts', individual));
    expect(Object(read).moov.ambiguous && Object(write).moov.ambiguous).toBe(true);
    expect(moovProblem(read)?.body).not.toHaveProperty('ambiguous');
    expect(moovProblem(write)?.body.ambiguous).toBe(true);
  });

  test('follows the request of moov.fetch, when its caller ends it', async () => {
    const { sandbox, moov } = await startMoov({ retries: 0 });
    await moov.ready();
    sandbox.fail({ path: '/accounts', delayMs: 60_000, times: 2 });
    const aborted = async (method: string) => {
      const controller = new AbortController();
      const call = moov.fetch('/accounts', { method, signal: controller.signal });
      const rejected = failure(call);
      const before = sandbox.requests.length;
      while (sandbox.requests.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
      controller.abort();
      return moovProblem(await rejected)?.body;
    };
    expect(await aborted('GET')).toEqual({
      type: 'about:blank',
      status: 502,
      title: 'Bad Gateway',
      code: 'ERR_MOOV_CANCELED',
    });
    expect(await aborted('POST')).toMatchObject({ code: 'ERR_MOOV_CANCELED', ambiguous: true });
  });
});

describe("exposeUpstream: 'validation'", () => {
  const body = {
    email: 'jane@example.com is not an address',
    profile: { individual: { ssn: '123-45-6789 is no number', name: { firstName: 'is required' } } },
    items: [{ price: 'is negative' }],
    accepted: '',
    'jane@example.com': 'is not a field',
  };
  const validation: MoovProblemOptions = { exposeUpstream: 'validation' };

  test('names the fields of a 422, without the texts', async () => {
    const problem = moovProblem(await refused({ status: 422, body }, 'PATCH'), validation);
    expect(problem?.body).toMatchObject({
      code: 'ERR_MOOV_VALIDATION',
      fields: ['email', 'profile.individual.ssn', 'profile.individual.name.firstName', 'items.0.price'],
    });
    expect(JSON.stringify(problem)).not.toMatch(/jane|123-45|is required/);
  });

  test.each([400, 404, 409])('shows nothing of a %i', async (status) => {
    const problem = moovProblem(await refused({ status, body }, 'PATCH'), validation);
    expect(problem?.body).not.toHaveProperty('fields');
    expect(problem?.body).not.toHaveProperty('upstream');
  });

  test('has a bound', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`field${index}`, 'is wrong']));
    let deep: object = { last: 'is wrong' };
    for (let level = 0; level < 50; level++) deep = { level: deep };
    const problem = moovProblem(await refused({ status: 422, body: { deep, ...many } }, 'PATCH'), validation);
    expect(problem?.body.fields).toHaveLength(100);
    expect(problem?.body.fields?.[0]).toBe('field0');
  });
});

test('says by its code what Moov or the network did, while error.code stays that of Axios', async () => {
  const { sandbox, moov } = await startMoov({ retries: 0 });
  await moov.ready();
  const codes = async (call: Promise<unknown>) => {
    const error = await failure(call);
    return [moovProblem(error)?.body.code, error.code];
  };
  sandbox.fail({ path: '/accounts', status: 200, body: 'not JSON' });
  const strict = { responseType: 'json', transitional: { silentJSONParsing: false } } as const;
  expect(await codes(moov.client.get('/accounts', strict))).toEqual([
    'ERR_MOOV_RESPONSE',
    'ERR_BAD_RESPONSE',
  ]);
  expect(await codes(moov.client.post('/accounts', 'x'.repeat(10), { maxBodyLength: 1 }))).toEqual([
    'ERR_MOOV_CALL',
    'ERR_BAD_REQUEST',
  ]);
  sandbox.fail({ path: '/accounts', status: 418 });
  expect(await codes(moov.client.get('/accounts'))).toEqual(['ERR_MOOV_REFUSED', 'ERR_BAD_REQUEST']);
  sandbox.fail({ path: '/accounts', drop: 'before' });
  expect(await codes(moov.client.get('/accounts'))).toEqual(['ERR_MOOV_NETWORK', 'ECONNRESET']);
  sandbox.revokeTokens();
  expect(await codes(moov.client.post('/accounts', Readable.from(['{}'])))).toEqual([
    'ERR_MOOV_REPLAY',
    'ERR_MOOV_REPLAY',
  ]);
});
