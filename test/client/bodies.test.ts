import { createReadStream } from 'node:fs';
import { PassThrough, Readable, Stream } from 'node:stream';
import axios from 'axios';
import FormDataPackage from 'form-data';
import { describe, expect, it } from 'vitest';
import { MoovReplayError, moovProblem } from '../../src/index.js';
import { serve } from '../helpers/http-server.js';
import { failure, startMoov as start } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';
import { keyed } from './transfers.js';

describe.each(transports)('over %s', (_name, over) => {
  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);

  describe('bodies', () => {
    /** As the form-data package's are: with `pipe`, and not a Readable. */
    const oldStream = () => {
      const stream = new Stream();
      stream.on('newListener', (name) => {
        if (name !== 'end') return;
        setImmediate(() => {
          stream.emit('data', Buffer.from('{}'));
          stream.emit('end');
        });
      });
      return stream;
    };
    const form = () => {
      const body = new FormData();
      body.append('file', new Blob(['a'.repeat(1_000)]), 'a.txt');
      return body;
    };
    it.each<[string, () => unknown]>([
      ['nothing', () => null],
      ['JSON', () => ({ a: 1 })],
      ['a string', () => 'a=1'],
      ['a Buffer', () => Buffer.from([1, 2, 3])],
      ['URLSearchParams', () => new URLSearchParams({ a: '1' })],
      ['FormData', form],
      ['a Blob', () => new Blob(['abc'], { type: 'text/plain' })],
    ])('%s is sent again after a 503 and a 401, byte for byte', async (_kind, body) => {
      const received: string[] = [];
      const { sandbox, moov } = await startMoov({
        configure: (instance) => {
          instance.defaults.headers.common['Content-Encoding'] = 'identity';
        },
      });
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after-ms': '5' } });
      sandbox.fail({ path: '/accounts', status: 401 });
      await failure(moov.client.post('/accounts', body(), keyed('body')));
      for (const request of sandbox.requests.filter(({ path }) => path === '/accounts')) {
        received.push(`${request.headers['content-type']} ${request.headers['content-length']}`);
      }
      expect(received).toHaveLength(3);
      expect(new Set(received).size).toBe(1);
    });

    const drawn = /^multipart\/form-data; boundary=moov-[\da-f-]{36}$/;
    const mine = 'multipart/form-data; boundary=a-boundary-of-mine';
    it.each<[string, () => unknown, string | undefined, unknown]>([
      ['JSON', () => ({ a: 1 }), undefined, 'application/json'],
      ['a Buffer', () => Buffer.from('{}'), 'text/plain', 'text/plain'],
      ['a form', form, undefined, expect.stringMatching(drawn)],
      ['a form of a type without a boundary', form, 'multipart/form-data', expect.stringMatching(drawn)],
      ['a form of a type with one', form, mine, mine],
    ])('%s is sent as what it is', async (_kind, body, given, type) => {
      const { sandbox, moov } = await startMoov();
      const headers = given === undefined ? {} : { 'Content-Type': given };
      await moov.client.post('/accounts', body(), { headers, validateStatus: () => true });
      expect(sandbox.requests.find(({ path }) => path === '/accounts')?.headers['content-type']).toEqual(
        type,
      );
    });

    it.each<[string, () => unknown]>([
      ['a Node stream', () => Readable.from(['{}'])],
      ['a stream that is still open', () => new PassThrough().end('{}')],
      ['a stream of the old kind', oldStream],
    ])('%s can’t be: MoovReplayError at once, with the cause and what is ambiguous', async (_kind, body) => {
      const { sandbox, moov } = await startMoov();
      await moov.ready();
      sandbox.fail({ path: '/accounts', status: 503, headers: { 'retry-after': '10' } });
      const began = performance.now();
      const error = await failure(moov.client.post('/accounts', body(), keyed('stream')));
      expect(error).toBeInstanceOf(MoovReplayError);
      expect(error).toMatchObject({
        moov: { attempts: 1, ambiguous: true },
        cause: { response: { status: 503 } },
      });
      expect(performance.now() - began).toBeLessThan(9_000);
      expect(sandbox.stats.apiRequests).toBe(1);
    });
  });

  it('a stream whose connection broke off is a MoovReplayError too, without a status', async () => {
    const { sandbox, moov } = await startMoov();
    sandbox.fail({ path: '/accounts', drop: 'before' });
    const error = await failure(moov.client.post('/accounts', Readable.from(['{}']), keyed('stream')));
    expect(error).toBeInstanceOf(MoovReplayError);
    expect(error.upstreamStatus).toBeUndefined();
    expect(error).toMatchObject({ moov: { attempts: 1, ambiguous: true }, cause: { code: 'ECONNRESET' } });
  });

  describe('a body stream that fails', () => {
    it('while a token is awaited ends the call, unsent, without crashing the process', async () => {
      let failed: () => void = () => undefined;
      const hasFailed = new Promise<void>((resolve) => {
        failed = resolve;
      });
      // There is no token before that.
      const clientId = () => hasFailed.then(() => started.sandbox.credentials.clientId);
      const started = await startMoov({ clientId });
      const { sandbox, moov } = started;
      const missing = createReadStream('/nowhere/at/all').once('close', failed);
      const error = await failure(moov.client.post('/accounts', missing));
      expect(error).toMatchObject({
        message: expect.stringContaining('ENOENT'),
        moov: { attempts: 0, ambiguous: false },
      });
      expect(sandbox.stats.apiRequests).toBe(0);
    });

    it.each<[string, unknown, string]>([
      ['a text', 'user closed the tab', 'user closed the tab'],
      ['a number', 5, '5'],
      ['an object', { code: 'X' }, '[object Object]'],
      [
        'an object without a text',
        Object.create(null),
        'A value was thrown that is no Error and has no text',
      ],
    ])(
      'with %s instead of an error ends the call, without crashing the process',
      async (_what, reason, message) => {
        const { moov } = await startMoov();
        await moov.ready();
        const open = () => new PassThrough().on('error', () => undefined);
        const destroy = (stream: Readable) => Reflect.apply(stream.destroy, stream, [reason]);
        const sending = open();
        const inForm = open();
        const early = open();
        destroy(early);
        const form = new FormDataPackage();
        form.append('file', inForm);
        const calls = [sending, form, early].map((body) => failure(moov.client.post('/accounts', body)));
        for (const stream of [sending, inForm]) stream.write('{');
        setImmediate(() => [sending, inForm].forEach(destroy));
        for (const error of await Promise.all(calls)) {
          expect(error).toMatchObject({
            isAxiosError: true,
            message,
            moov: { attempts: expect.any(Number) },
          });
        }
      },
    );

    it.each<[string, (stream: PassThrough) => unknown]>([
      ['by itself', (stream) => stream],
      [
        'in a form',
        (stream) => {
          const form = new FormDataPackage();
          form.append('file', stream);
          return form;
        },
      ],
    ])(
      '%s with the error of another service leaves that as it is, and it is not Moov’s',
      async (_how, bodyOf) => {
        const { moov } = await startMoov();
        await moov.ready();
        const other = await serve({ status: 404, body: { theirs: true } });
        for (const isEarly of [true, false]) {
          const theirs = await failure(axios.get(other.url, { headers: { 'X-Api-Key': 'theirs' } }));
          const { config, request, response } = theirs;
          const stream = new PassThrough().on('error', () => undefined);
          const body = bodyOf(stream);
          if (isEarly) stream.destroy(theirs);
          const call = failure(moov.client.post('/accounts', body));
          if (!isEarly) stream.write('{', () => setImmediate(() => stream.destroy(theirs)));
          const error = await call;
          expect(error).toMatchObject({
            isAxiosError: true,
            code: 'ERR_BAD_REQUEST',
            moov: { attempts: expect.any(Number) },
          });
          expect([error.cause === theirs, error.response, error.status]).toEqual([
            true,
            undefined,
            undefined,
          ]);
          const problem = moovProblem(error, { exposeUpstream: true });
          expect(problem?.status).toBe(502);
          expect(problem?.body).not.toHaveProperty('upstream');
          expect([theirs.config, theirs.request, theirs.response]).toEqual([config, request, response]);
          expect(response).toMatchObject({ config: { url: other.url, headers: { 'X-Api-Key': 'theirs' } } });
          expect(theirs).not.toHaveProperty('moov');
        }
      },
    );

    it('of a refused call does not crash the process', async () => {
      const { moov } = await startMoov();
      const missing = createReadStream('/nowhere/at/all');
      const error = await failure(moov.client.post('//elsewhere', missing));
      expect(error).toMatchObject({ code: 'ERR_MOOV_ORIGIN' });
      if (!missing.closed) await new Promise<void>((resolve) => missing.once('close', () => resolve()));
    });

    it('and was over before the call ends it at once', async () => {
      const { moov } = await startMoov();
      await moov.ready();
      const over = Readable.from(['{}']).destroy();
      const error = await failure(moov.client.post('/accounts', over));
      expect(error).toMatchObject({ code: 'ERR_BAD_REQUEST', moov: { attempts: 0, ambiguous: false } });
    });
  });
});
