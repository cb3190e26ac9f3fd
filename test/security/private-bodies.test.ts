import { Console } from 'node:console';
import { Readable, Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import axios, { isAxiosError } from 'axios';
import bunyan from 'bunyan';
import express from 'express';
import { pino } from 'pino';
import supertest from 'supertest';
import { afterAll, describe, expect, test } from 'vitest';
import winston from 'winston';
import { type MoovAuthOptions, type MoovFetch, moovErrorHandler } from '../../src/index.js';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { appOf } from '../helpers/apps.js';
import { failure, type Started, startMoov, until } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';

/** What no print may show: of the request's body, its params and its URL, and of the response's body. */
const markers = ['in-the-body', 'in-the-params', 'in-the-url', 'in-the-response'];
const body = { ssn: 'in-the-body', nested: { list: ['in-the-body'] } };
const config = { params: { email: 'in-the-params', list: ['in-the-params'] } };
const url = '/accounts?name=in-the-url';
const upstream = { email: 'in-the-response is no address', profile: { name: 'in-the-response' } };

/** A stream, and what was written to it. */
function sink() {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => written.join('') };
}

function printed(print: (stream: Writable) => void): string {
  const { stream, text } = sink();
  print(stream);
  return text();
}

function byWinston(value: unknown, form: winston.Logform.Format): string {
  return printed((stream) => {
    const transport = new winston.transports.Stream({ stream });
    const logger = winston.createLogger({ format: form, transports: [transport] });
    logger.error('failed', { value });
    if (value instanceof Error) logger.error(value);
  });
}

const { json, simple, prettyPrint, errors, combine } = winston.format;

/** Whatever applications and their tools print values with. */
const printers: Readonly<Record<string, (value: unknown) => string>> = {
  inspect: (value) => inspect(value),
  'inspect, everything': (value) =>
    inspect(value, {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      getters: true,
      maxStringLength: null,
    }),
  'format %o %O %j %s': (value) => format('%o %O %j %s', value, value, value, value),
  'console.error': (value) => printed((stream) => new Console(stream, stream).error('failed', value)),
  String: (value) => (value instanceof Error ? String(value) : ''),
  JSON: (value) => String(JSON.stringify(value)),
  'JSON, in an object': (value) => JSON.stringify({ list: [{ value }] }),
  'JSON of toJSON()': (value) => String(JSON.stringify(Object(value).toJSON?.())),
  'JSON of own names': (value) =>
    value instanceof Error ? String(JSON.stringify(value, Object.getOwnPropertyNames(value))) : '',
  stacks: (value) => {
    let text = '';
    for (let error = value; error instanceof Error; error = error.cause)
      text += `${error.message}\n${error.stack}`;
    return text;
  },
  // Given anything else these take its properties as the fields of the line, which is a copy.
  'pino, an error': (value) =>
    value instanceof Error ? printed((stream) => pino(stream).error(value, 'failed')) : '',
  'pino, as err': (value) => printed((stream) => pino(stream).error({ err: value }, 'failed')),
  'pino, with causes': (value) =>
    printed((stream) =>
      pino({ serializers: { err: pino.stdSerializers.errWithCause } }, stream).error({ err: value }),
    ),
  'pino, as a field': (value) => printed((stream) => pino(stream).error({ value }, 'failed')),
  'winston json': (value) => byWinston(value, combine(errors({ stack: true, cause: true }), json())),
  'winston simple': (value) => byWinston(value, simple()),
  'winston prettyPrint': (value) => byWinston(value, prettyPrint()),
  'bunyan, an error': (value) =>
    value instanceof Error
      ? printed((stream) => bunyan.createLogger({ name: 'app', stream }).error(value, 'failed'))
      : '',
  'bunyan, as err': (value) =>
    printed((stream) =>
      bunyan
        .createLogger({ name: 'app', stream, serializers: bunyan.stdSerializers })
        .error({ err: value }, 'failed'),
    ),
  'bunyan, as a field': (value) =>
    printed((stream) => bunyan.createLogger({ name: 'app', stream }).error({ value }, 'failed')),
};

interface Case {
  name: string;
  options?: MoovAuthOptions;
  arrange?: (sandbox: MoovSandbox) => void;
  call: (started: Started) => Promise<unknown>;
}

const always = { path: '/accounts', times: Number.POSITIVE_INFINITY };
const post = ({ moov }: Started) => moov.client.post(url, body, config);
const get = ({ moov }: Started) => moov.client.get(url, config);
const write: RequestInit = { method: 'POST', body: JSON.stringify(body) };
const fetched = ({ moov }: Started, init?: RequestInit): ReturnType<MoovFetch> =>
  moov.fetch(`${url}&email=in-the-params`, init);

/** What ends with a status, and a body of Moov's. */
const answered: Case[] = [
  ...[200, 201, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503].map(
    (status): Case => ({
      name: `a write, ${status}`,
      arrange: (sandbox) => sandbox.fail({ ...always, status, body: upstream }),
      call: post,
    }),
  ),
  ...[200, 404, 422].map(
    (status): Case => ({
      name: `fetch, ${status}`,
      arrange: (sandbox) => sandbox.fail({ ...always, status, body: upstream }),
      call: (started) => fetched(started, write),
    }),
  ),
  ...(['text', 'arraybuffer', 'stream'] as const).map(
    (responseType): Case => ({
      name: `a read as ${responseType}, 404`,
      arrange: (sandbox) => sandbox.fail({ ...always, status: 404, body: upstream }),
      call: ({ moov }) => moov.client.get(url, { ...config, responseType }),
    }),
  ),
  {
    name: 'a page of a gateway, 502',
    arrange: (sandbox) => sandbox.fail({ ...always, status: 502, body: '<html>in-the-response</html>' }),
    call: get,
  },
  {
    name: 'Axios’s own setting redact, 422',
    options: { axios: { redact: ['authorization'] } },
    arrange: (sandbox) => sandbox.fail({ ...always, status: 422, body: upstream }),
    call: post,
  },
];

/** What ends otherwise. */
const broken: Case[] = [
  {
    name: 'a body that is not JSON',
    arrange: (sandbox) => sandbox.fail({ ...always, status: 200, body: 'in-the-response' }),
    call: ({ moov }) =>
      moov.client.get(url, {
        ...config,
        responseType: 'json',
        transitional: { silentJSONParsing: false },
      }),
  },
  {
    name: 'a body that is not JSON, fetched',
    arrange: (sandbox) => sandbox.fail({ ...always, status: 200, body: 'in-the-response' }),
    call: async (started) => (await fetched(started)).json(),
  },
  {
    name: 'a response that is too large',
    arrange: (sandbox) => sandbox.fail({ ...always, status: 200, body: upstream }),
    call: ({ moov }) => moov.client.post(url, body, { ...config, maxContentLength: 1 }),
  },
  {
    name: 'a request that is too large',
    call: ({ moov }) => moov.client.post(url, body, { ...config, maxBodyLength: 1 }),
  },
  {
    name: 'a connection that breaks',
    arrange: (sandbox) => sandbox.fail({ ...always, drop: 'after' }),
    call: post,
  },
  {
    name: 'a connection that breaks, fetched',
    arrange: (sandbox) => sandbox.fail({ ...always, drop: 'after' }),
    call: (started) => fetched(started, write),
  },
  {
    name: 'a time-out',
    options: { timeoutMs: 200 },
    arrange: (sandbox) => sandbox.fail({ ...always, delayMs: 60_000 }),
    call: post,
  },
  {
    name: 'an abort',
    arrange: (sandbox) => sandbox.fail({ ...always, delayMs: 60_000 }),
    call: async ({ moov, sandbox }) => {
      const controller = new AbortController();
      const call = moov.client.post(url, body, { ...config, signal: controller.signal });
      call.catch(() => undefined);
      await until(
        () => sandbox.requests.some(({ path }) => path.startsWith('/accounts')),
        'the call has arrived',
      );
      controller.abort();
      return call;
    },
  },
  {
    name: 'an abort before the call',
    call: ({ moov }) => moov.client.post(url, body, { ...config, signal: AbortSignal.abort() }),
  },
  {
    name: 'a redirect elsewhere',
    arrange: (sandbox) =>
      sandbox.fail({
        ...always,
        status: 302,
        headers: { location: 'https://elsewhere.example/?in-the-response' },
      }),
    call: post,
  },
  ...[post, fetched, get].map(
    (call): Case => ({
      name: `a redirect that is not followed, ${call.name}`,
      arrange: (sandbox) =>
        sandbox.fail({ ...always, status: 302, headers: { location: '/other?name=in-the-url' } }),
      call: call === fetched ? (started) => fetched(started, { redirect: 'manual' }) : call,
    }),
  ),
  {
    name: 'a URL elsewhere',
    call: ({ moov }) => moov.client.post(`https://elsewhere.example${url}`, body, config),
  },
  {
    name: 'a stream that can’t be sent again',
    arrange: (sandbox) => sandbox.fail({ ...always, status: 401, body: upstream }),
    call: ({ moov }) => moov.client.post(url, Readable.from([JSON.stringify(body)]), config),
  },
  {
    name: 'a stream that can’t be sent again, and Axios’s own setting redact',
    options: { axios: { redact: ['authorization'] } },
    arrange: (sandbox) => sandbox.fail({ ...always, status: 401, body: upstream }),
    call: ({ moov }) => moov.client.post(url, Readable.from([JSON.stringify(body)]), config),
  },
  {
    name: 'no token',
    arrange: (sandbox) =>
      sandbox.fail({ path: '/oauth2/token', status: 401, times: Number.POSITIVE_INFINITY }),
    call: ({ moov }) => moov.clientFor({ scopes: '/fed.read' }).post(url, body, config),
  },
  {
    name: 'a header that can’t be sent',
    call: ({ moov }) => moov.client.post(url, body, { ...config, headers: { 'a b': 'c' } }),
  },
  {
    name: 'an interceptor that throws',
    options: {
      configure: (instance) => {
        instance.interceptors.response.use(() => {
          throw new Error('the application’s own');
        });
      },
    },
    call: post,
  },
];

/** A value, and what it leads to by name: each is printed for itself. */
function partsOf(value: unknown): unknown[] {
  const parts: unknown[] = [value];
  for (let error = value; error instanceof Error; error = error.cause) {
    if (error !== value) parts.push(error);
    if (isAxiosError(error)) parts.push(error.config, error.request, error.response, error.response?.request);
  }
  if (typeof value === 'object' && value !== null && 'config' in value && 'request' in value) {
    parts.push(value.config, value.request);
  }
  return parts.filter((part) => part !== undefined);
}

let values = 0;
let prints = 0;
afterAll(() => {
  console.log(
    `bodies and queries: ${values} values × ${Object.keys(printers).length} printers, ${prints} prints`,
  );
});

function expectPrivate(...shown: unknown[]): void {
  for (const value of shown) {
    values++;
    for (const [name, print] of Object.entries(printers)) {
      prints++;
      const text = print(value);
      for (const marker of markers)
        expect(text.includes(marker), `${marker} by ${name}: ${text}`).toBe(false);
    }
  }
}

describe.each(transports)('on %s, no print shows a body or a query', (_name, transport) => {
  test.each([...answered, ...broken])(
    'of a call that ends with: $name',
    async ({ options, arrange, call }) => {
      const lines: unknown[] = [];
      const started = await startMoov({
        retries: 0,
        // A 429 is an outcome like another.
        rateLimit: false,
        logger: (...line) => lines.push(line),
        ...transport,
        ...options,
      });
      await started.moov.ready();
      arrange?.(started.sandbox);
      const value = await call(started).catch((error: unknown) => error);
      expectPrivate(...partsOf(value), started.events, lines);
    },
  );
});

test('nor does what moovErrorHandler logs', async () => {
  const lines: unknown[] = [];
  const started = await startMoov({ retries: 0 });
  started.sandbox.fail({ ...always, status: 422, body: upstream });
  const app = appOf(express, (_req, _res, next) => void post(started).catch(next));
  app.use(moovErrorHandler({ logger: (...line) => lines.push(line) }));
  await supertest(app).get('/orders?name=in-the-url');
  expect(lines).toHaveLength(1);
  expectPrivate(lines);
});

describe('and everything else is as it was', () => {
  const refused = async () => {
    const started = await startMoov({ retries: 0 });
    started.sandbox.fail({ path: '/accounts', status: 422, body: upstream });
    const error = await failure(post(started));
    if (!isAxiosError(error) || error.config === undefined) throw error;
    return { ...started, error, config: error.config };
  };

  test('code that asks gets the bodies', async () => {
    const { error, config } = await refused();
    expect(config.data).toBe(JSON.stringify(body));
    expect(config.params).toEqual({ email: 'in-the-params', list: ['in-the-params'] });
    expect(config.url).toBe(url);
    expect(error.response?.data).toEqual(upstream);
    expect(Object.keys(config)).toEqual(expect.arrayContaining(['data', 'params', 'url']));
    expect(Object.keys(config)).not.toContain('toJSON');
    expect(Object.keys({ ...error.response })).toEqual(expect.arrayContaining(['data', 'config']));
    expect(structuredClone({ data: config.data })).toEqual({ data: JSON.stringify(body) });
  });

  test('a config that is sent again sends the body', async () => {
    const { config } = await refused();
    const sent: string[] = [];
    const adapter = async (again: typeof config) => {
      sent.push(String(again.data));
      return { data: '', status: 200, statusText: '', headers: {}, config: again };
    };
    await axios({ ...config, adapter });
    await axios(Object.assign(config, { adapter }));
    expect(sent).toEqual([JSON.stringify(body), JSON.stringify(body)]);
  });

  test('console.dir goes around it, as it does around every custom print', async () => {
    const { error } = await refused();
    expect(printed((stream) => new Console(stream, stream).dir(error, { depth: 5 }))).toContain(
      'in-the-body',
    );
  });

  test('prints still say what happened', async () => {
    const { error } = await refused();
    const text = inspect(error);
    for (const part of [
      'status code 422',
      "method: 'post'",
      "url: '/accounts?[not shown]'",
      "email: '[not shown]'",
    ]) {
      expect(text).toContain(part);
    }
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      message: 'Request failed with status code 422',
      status: 422,
      config: { method: 'post', data: '[not shown]' },
      moov: { attempts: 1, ambiguous: false },
    });
  });

  test('prints have Moov’s error text, and the names of the fields that it rejects', async () => {
    const { sandbox, moov, error } = await refused();
    expect(JSON.parse(JSON.stringify(error.response)).data).toEqual({
      email: '[not shown]',
      'profile.name': '[not shown]',
    });
    sandbox.fail({
      path: '/accounts',
      status: 400,
      body: { error: 'no such thing', accountID: 'in-the-response' },
    });
    const other = await failure(moov.client.get('/accounts'));
    expect(JSON.parse(JSON.stringify(Object(other).response)).data).toEqual({ error: 'no such thing' });
  });
});
