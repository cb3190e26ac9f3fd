import { createReadStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import axios, { type AxiosRequestConfig } from 'axios';
import FormDataPackage from 'form-data';
import { describe, expect, it } from 'vitest';
import { failure, startMoov as start } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';
import { keyed, transfer, transfersOf } from './transfers.js';

// Faults of the caller's own input: rejected at once, as Axios rejects them, and paid by nobody's retries.

describe.each(transports)('over %s', (_name, over) => {
  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);
  const fail = () => {
    throw new RangeError('of the serialiser');
  };
  const broken = (): Readable => {
    const stream = new PassThrough();
    stream.write('{');
    setImmediate(() => stream.destroy(Object.assign(new Error('read failed'), { code: 'ECONNRESET' })));
    return stream;
  };

  const faults: [string, () => AxiosRequestConfig][] = [
    ['an invalid date in params', () => ({ params: { since: new Date('yesterday') } })],
    [
      'a serialiser of params that throws',
      () => ({ params: { a: 1 }, paramsSerializer: { serialize: fail } }),
    ],
    ['a file that does not exist', () => ({ method: 'put', data: createReadStream('/no/such/file') })],
    ['a stream that breaks off, with a code of the network', () => ({ method: 'put', data: broken() })],
    ['a body that is none', () => ({ method: 'put', data: Symbol('x'), transformRequest: [(data) => data] })],
    ['a body over maxBodyLength', () => ({ method: 'put', data: 'x'.repeat(100), maxBodyLength: 10 })],
  ];

  it.each(faults)('%s rejects once, with the class and code of Axios', async (_what, config) => {
    const { sandbox, moov, count } = await startMoov();
    await moov.ready();
    const bare = await failure(axios.request({ url: `${sandbox.url}/accounts`, ...config() }));
    const error = await failure(moov.client.request({ url: '/accounts', ...config() }));
    expect({ name: error.name, code: error.code, isAxiosError: error.isAxiosError ?? false }).toEqual({
      name: bare.name,
      code: bare.code,
      isAxiosError: bare.isAxiosError ?? false,
    });
    expect(error.moov).toMatchObject({ attempts: expect.any(Number) });
    expect(count('call.retried')).toBe(0);
  });

  it('leave the retries of other calls as they were', async () => {
    const { sandbox, moov } = await startMoov();
    await moov.ready();
    for (let round = 0; round < 10; round++) {
      for (const [, config] of faults.filter(([name]) => !name.includes('breaks off'))) {
        await failure(moov.client.request({ url: '/accounts', ...config() }));
      }
    }
    sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '1' } });
    expect(await moov.client.get('/accounts')).toMatchObject({ status: 200, moov: { attempts: 2 } });
  });

  it('an unknown encoding of the response is refused before a payment is made', async () => {
    const { sandbox, moov } = await startMoov();
    const config = { ...keyed('encoding'), responseEncoding: 'nonsense' };
    const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
    expect(error).toMatchObject({ code: 'ERR_UNKNOWN_ENCODING', moov: { attempts: 0, ambiguous: false } });
    expect(sandbox.transfers).toHaveLength(0);
  });

  it('a call that fails closes the file that it was to send', async () => {
    const { sandbox, moov } = await startMoov();
    const file = () => createReadStream(new URL(import.meta.url));
    const streams = [file(), file(), file()];
    await failure(moov.client.post('/accounts', streams[0], { params: { since: new Date('x') } }));
    await failure(moov.client.post('//elsewhere', streams[1]));
    sandbox.fail({ path: '/oauth2/token', status: 400, body: { error: 'no' }, times: 9 });
    await moov.revoke();
    await failure(moov.client.post('/accounts', streams[2]));
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
  });

  describe('an idempotency key that a header cannot hold as it is', () => {
    it.each(['платёж-7', 'café ☕', '日本', 'k\u00e9', '\u0085', 'x'.repeat(37), ''])(
      'is refused: %j',
      async (key) => {
        const { sandbox, moov } = await startMoov();
        const config = { headers: { 'X-Idempotency-Key': key } };
        const error = await failure(moov.client.post(transfersOf(sandbox), transfer, config));
        expect(error).toMatchObject({ code: 'ERR_MOOV_CONFIG', moov: { attempts: 0, ambiguous: false } });
        expect(error.message).toMatch(/X-Idempotency-Key/);
        expect(sandbox.transfers).toHaveLength(0);
      },
    );

    it.each(['order 7', '~', 'a'.repeat(36), 'c0ffee00-0000-4000-8000-000000000001'])(
      'is not: %j',
      async (key) => {
        const { sandbox, moov } = await startMoov();
        await moov.client.post(transfersOf(sandbox), transfer, { headers: { 'x-idempotency-key': key } });
        expect(sandbox.transfers).toMatchObject([{ idempotencyKey: key }]);
      },
    );

    it('is refused as a list of two', async () => {
      const { sandbox, moov } = await startMoov();
      const headers = { 'X-Idempotency-Key': ['a', 'b'] };
      const error = await failure(
        moov.client.post(transfersOf(sandbox), transfer, Object.assign({}, { headers })),
      );
      expect(error).toMatchObject({ code: 'ERR_MOOV_CONFIG' });
    });
  });

  describe('a header that divides the bytes of a connection, or belongs to it,', () => {
    it.each([
      ['Transfer-Encoding', 'chunked'],
      ['transfer-encoding', 'identity'],
      ['Content-Length', '3'],
      ['content-length', '5, 6'],
      ['Connection', 'content-length'],
      ['Connection', 'upgrade'],
      ['Upgrade', 'websocket'],
      ['TE', 'trailers'],
      ['Trailer', 'X-Sum'],
      ['Keep-Alive', 'timeout=5'],
      ['Proxy-Connection', 'keep-alive'],
      ['Proxy-Authorization', 'Basic eDp5'],
    ])('is refused by name: %s: %s', async (name, value) => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      await moov.ready();
      const config = { headers: { [name]: value, 'Content-Type': 'text/plain' } };
      const error = await failure(moov.client.post('/accounts', 'hello', config));
      expect(error).toMatchObject({ code: 'ERR_MOOV_CONFIG', moov: { attempts: 0 } });
      expect(error.message.toLowerCase()).toContain(name.toLowerCase());
      expect(sandbox.stats.apiRequests).toBe(0);
    });

    it('is accepted where only the caller can know it: the length of a stream', async () => {
      const { sandbox, moov } = await startMoov({ retries: 0 });
      const config = { headers: { 'Content-Length': '2', 'Content-Type': 'application/json' } };
      await failure(moov.client.post('/accounts', Readable.from([Buffer.from('{}')]), config));
      expect(sandbox.requests.at(-1)?.headers).toMatchObject({ 'content-length': '2' });
    });
  });
});

describe('an idempotency key', () => {
  it.each([null, false, undefined])('that is %s is none: a write is not sent again', async (key) => {
    const { sandbox, moov } = await start();
    sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '1' }, times: 3 });
    const headers = { 'X-Idempotency-Key': key };
    const config = Object.assign({}, { headers });
    const error = await failure(moov.client.post('/accounts', {}, config));
    expect(error).toMatchObject({ response: { status: 503 }, moov: { attempts: 1, ambiguous: true } });
  });

  it.each([Promise.resolve('k'), {}, Number.NaN, true])(
    'made of what is no text is refused: %s',
    async (key) => {
      const { sandbox, moov } = await start();
      const headers = {};
      Reflect.set(headers, 'X-Idempotency-Key', key);
      const error = await failure(moov.client.post(transfersOf(sandbox), transfer, { headers }));
      expect(error).toMatchObject({ code: 'ERR_MOOV_CONFIG', moov: { attempts: 0 } });
      expect(sandbox.transfers).toHaveLength(0);
    },
  );

  it('of a form’s own headers does not replace the call’s', async () => {
    const { sandbox, moov } = await start();
    const form = new FormDataPackage();
    form.append('a', '1');
    const getHeaders = form.getHeaders.bind(form);
    form.getHeaders = () => ({ ...getHeaders(), 'x-idempotency-key': 'theirs', authorization: 'Bearer x' });
    await failure(moov.client.post('/accounts', form, keyed('form')));
    const sent = sandbox.requests.find(({ path }) => path === '/accounts');
    expect(sent?.headers).toMatchObject({
      'x-idempotency-key': keyed('form').headers['X-Idempotency-Key'],
      authorization: `Bearer ${await moov.accessToken()}`,
    });
  });
});
